// A new link to pass on: its address, its QR code, its poster.

import { notify } from "./dialog.js";
import { h, icon } from "./dom.js";
import { ago, bytes, countOf, moment } from "./format.js";
import { poster } from "./poster.js";

// madeLink shows a link. The link itself is the credential for its QR code.
export function madeLink(link) {
  const address = h("input", { id: `url-${link.id}`, class: "address", readonly: true, value: link.url, onfocus: (event) => event.target.select() });
  const code = h("img", { class: "qr", alt: "QR code of the link", width: 220, height: 220 });
  const failed = h("p", { class: "bad", role: "alert", hidden: true });
  const qr = (form) => `${new URL(link.url).pathname}/qr.${form}`;
  code.addEventListener("error", () => {
    code.hidden = true;
    failed.hidden = false;
    failed.textContent = "The QR code could not be loaded. The link is revoked or expired, or the service cannot be reached.";
  });
  code.src = qr("svg");
  const name = fileName(link.label);

  return h("div", { class: "made" },
    h("div", { class: "code" }, code, failed),
    h("div", { class: "hand" },
      h("label", { for: address.id }, "Address"),
      h("div", { class: "joined" }, address,
        h("button", { type: "button", class: "primary", onclick: copy }, icon("copy"), "Copy link")),
      h("p", { class: "muted small" }, about(link)),
      h("div", { class: "row" },
        navigator.share && h("button", { type: "button", onclick: share }, icon("share"), "Share"),
        h("button", { type: "button", onclick: () => poster(link) }, icon("print"), "Poster"),
        h("a", { class: "button", href: qr("png"), download: `${name}.png` }, icon("download"), "QR as PNG"),
        h("a", { class: "button", href: qr("svg"), download: `${name}.svg` }, icon("download"), "QR as SVG"),
        h("a", { class: "button", href: new URL(link.url).pathname, target: "_blank", rel: "noopener noreferrer" }, "Open the page"))));

  async function copy() {
    try {
      await navigator.clipboard.writeText(link.url);
      notify("The link is copied.");
    } catch {
      address.focus(); // onfocus selects it
      notify("The browser does not let the console copy. The address is selected: copy it by hand.");
    }
  }

  async function share() {
    try {
      await navigator.share({ title: link.label ?? "Send pictures", url: link.url });
    } catch (error) {
      if (error.name !== "AbortError") notify("Sharing failed.");
    }
  }
}

// about describes what a link allows.
function about(link) {
  return [
    link.not_before && Date.parse(link.not_before) > Date.now() ? `Good from ${moment(link.not_before)}.` : null,
    `Expires ${ago(link.expires_at)}, on ${moment(link.expires_at)}.`,
    link.max_files ? `At most ${countOf(link.max_files, "file")}.` : null,
    link.max_bytes ? `At most ${bytes(link.max_bytes)}.` : null,
    "Anyone with the link can send pictures, and cannot see any.",
  ].filter(Boolean).join(" ");
}

// fileName makes a file name of a label.
function fileName(label) {
  return `qr-${(label ?? "link").normalize("NFKD").replace(/[^\w]+/g, "-").replace(/^-+|-+$/g, "").slice(0, 60).toLowerCase() || "link"}`;
}
