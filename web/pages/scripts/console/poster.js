// A poster of a link to print: instructions, a large QR code, and the expiry.

import { show } from "./dialog.js";
import { h, icon } from "./dom.js";
import { countOf, moment } from "./format.js";

// poster previews the sheet, edits its heading, and prints it.
export function poster(link) {
  const heading = h("h3", { class: "headline" }, link.label ?? "Send us your pictures");
  const field = h("input", {
    id: "headline", value: heading.textContent, maxlength: 120, oninput: () => { heading.textContent = field.value; },
  });

  const sheet = h("section", { class: "poster", "aria-label": "The poster" },
    heading,
    h("p", { class: "lead" }, "Send your pictures with your phone"),
    h("img", { class: "qr", src: `${new URL(link.url).pathname}/qr.svg`, alt: "QR code of the link" }),
    h("ol", {},
      h("li", {}, "Point your camera at the code and open the page."),
      h("li", {}, "Choose your pictures. They arrive unchanged. No app, no account."),
      h("li", {}, "Wait until each picture has a tick.")),
    h("p", { class: "until" }, `Until ${moment(link.expires_at)}${link.max_files ? `, ${countOf(link.max_files, "file")} in total` : ""}`),
    h("p", { class: "url" }, link.url));

  const dialog = h("dialog", { class: "posterdialog card", "aria-labelledby": "poster-title" },
    h("header", { class: "row" }, h("h2", { id: "poster-title" }, "Poster"),
      h("button", { type: "button", class: "quiet", "aria-label": "Close", onclick: () => dialog.close() }, icon("close"))),
    h("div", { class: "row bottom" },
      h("div", { class: "field grow" }, h("label", { for: "headline" }, "Headline"), field),
      h("button", { type: "button", class: "primary", onclick: () => print() }, icon("print"), "Print")),
    sheet);
  document.documentElement.classList.add("has-poster");
  show(dialog, () => document.documentElement.classList.remove("has-poster"));
}
