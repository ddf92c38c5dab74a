// The form that makes a link.

import { h } from "./dom.js";
import { spec } from "./linkspec.js";

const presets = [["1h", "1 hour"], ["1d", "1 day"], ["7d", "7 days"], ["30d", "30 days"], ["exact", "Until…"]];

// newLinkForm calls made with each new link.
export function newLinkForm({ api, made }) {
  const label = input("label", { type: "text", maxlength: 200, autocomplete: "off", placeholder: "Summer party", autofocus: true });
  const expiresAt = input("expiresAt", { type: "datetime-local" });
  const notBefore = input("notBefore", { type: "datetime-local" });
  const maxFiles = input("maxFiles", { type: "number", min: 1, step: 1, inputmode: "numeric", placeholder: "No limit" });
  const maxSize = input("maxSize", { type: "number", min: 0, step: "any", inputmode: "decimal", placeholder: "No limit" });
  const unit = h("select", { id: "unit", name: "unit", "aria-label": "Unit of the size" },
    ["MB", "GB", "TB"].map((name) => h("option", { selected: name === "GB" }, name)));
  const exact = h("div", { class: "field", hidden: true }, h("label", { for: "expiresAt" }, "Good until"), expiresAt);
  const error = h("p", { id: "link-error", class: "bad", role: "alert" });
  const button = h("button", { class: "primary" }, "Make the link");
  const more = h("details", {}, h("summary", {}, "Limits and start"),
    h("div", { class: "fields" },
      h("div", { class: "field" }, h("label", { for: "maxFiles" }, "Files at most"), maxFiles),
      h("div", { class: "field" }, h("label", { for: "maxSize" }, "Total size at most"), h("div", { class: "joined" }, maxSize, unit)),
      h("div", { class: "field" }, h("label", { for: "notBefore" }, "Good from"), notBefore)));
  const form = h("form", { class: "newlink card", novalidate: true, onsubmit: submit, "aria-labelledby": "newlink" },
    h("h2", { id: "newlink" }, "New link"),
    h("div", { class: "field" }, h("label", { for: "label" }, "Label ", h("span", { class: "muted" }, "(shown to the senders)")), label),
    h("fieldset", {}, h("legend", {}, "Expires in"),
      h("div", { class: "choices" }, presets.map(([value, name]) => h("label", {},
        h("input", { type: "radio", name: "expiry", value, checked: value === "7d", onchange: choose }), h("span", {}, name))))),
    exact, more, error, button);

  function choose() {
    exact.hidden = form.elements.expiry.value !== "exact";
    if (!exact.hidden) expiresAt.focus();
  }

  async function submit(event) {
    event.preventDefault();
    wrong(null, "");
    const asked = spec({
      label: label.value, expiry: form.elements.expiry.value, expiresAt: expiresAt.value, notBefore: notBefore.value,
      maxFiles: maxFiles.value, maxSize: maxSize.value, unit: unit.value,
    });
    if (!asked.spec) return wrong(form.elements[asked.field], asked.message);
    button.disabled = true;
    try {
      made({ ...await api.post("/v1/links", asked.spec), not_before: asked.spec.not_before ?? null });
      form.reset();
      choose();
    } catch (problem) {
      wrong(null, problem.message);
    } finally {
      button.disabled = false;
    }
  }

  // wrong shows an error, and focuses its field.
  function wrong(field, message) {
    error.textContent = message;
    for (const element of form.elements) {
      element.removeAttribute("aria-invalid");
      element.removeAttribute("aria-describedby");
    }
    if (!field) return;
    if (more.contains(field)) more.open = true;
    field.setAttribute("aria-invalid", "true");
    field.setAttribute("aria-describedby", "link-error");
    field.focus();
  }

  return form;
}

function input(name, attributes) {
  return h("input", { id: name, name, ...attributes });
}
