// Dialogs and notices. The browser's <dialog> holds the focus and returns it.

import { h } from "./dom.js";

// ask resolves with whether the operator ticked the option, or with null if the
// operator cancelled. A change that can be undone is gentle.
export function ask({ title, text, confirm, option = null, gentle = false }) {
  return new Promise((resolve) => {
    const box = option && h("input", { type: "checkbox" });
    const dialog = h("dialog", { class: "ask card", "aria-labelledby": "ask-title", "aria-describedby": "ask-text" },
      h("h2", { id: "ask-title" }, title),
      h("p", { id: "ask-text" }, text),
      option && h("label", { class: "check" }, box, h("span", {}, option)),
      h("div", { class: "row end" },
        h("button", { type: "button", autofocus: true, onclick: () => dialog.close() }, "Cancel"),
        h("button", { type: "button", class: gentle ? "primary" : "destroy", onclick: () => dialog.close("yes") }, confirm)));
    show(dialog, () => resolve(dialog.returnValue === "yes" ? Boolean(box?.checked) : null));
  });
}

// show opens a dialog above the page, and removes it once it closes. A click on
// the backdrop closes it.
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

// notify shows a line for five seconds; screen readers announce it.
export function notify(text) {
  const line = h("p", {}, text);
  document.getElementById("notice").replaceChildren(line);
  setTimeout(() => line.remove(), 5000);
}
