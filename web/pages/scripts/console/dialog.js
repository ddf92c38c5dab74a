// Dialogs: the browser's own, which keeps the focus in and gives it back.

import { h } from "./dom.js";

// ask puts a question to the operator. It resolves with null, or, where it was
// confirmed, with whether the option was ticked.
export function ask({ title, text, confirm, option = null }) {
  return new Promise((resolve) => {
    const box = option && h("input", { type: "checkbox" });
    const dialog = h("dialog", { class: "ask card", "aria-labelledby": "ask-title", "aria-describedby": "ask-text" },
      h("h2", { id: "ask-title" }, title),
      h("p", { id: "ask-text" }, text),
      option && h("label", { class: "check" }, box, h("span", {}, option)),
      h("div", { class: "row end" },
        h("button", { type: "button", autofocus: true, onclick: () => dialog.close() }, "Cancel"),
        h("button", { type: "button", class: "destroy", onclick: () => dialog.close("yes") }, confirm)));
    show(dialog, () => resolve(dialog.returnValue === "yes" ? Boolean(box?.checked) : null));
  });
}

// show opens a dialog above the page and takes it away once it is closed. A click
// beside it closes it.
export function show(dialog, closed = () => {}) {
  dialog.addEventListener("close", () => {
    dialog.remove();
    closed();
  });
  dialog.addEventListener("click", (event) => event.target === dialog && dialog.close());
  document.body.append(dialog);
  dialog.showModal();
  return dialog;
}

// say shows a line for a moment, and reads it out.
export function say(text) {
  const place = document.getElementById("said");
  const line = h("p", {}, text);
  place.replaceChildren(line);
  setTimeout(() => line.remove(), 5000);
}
