// Shows and edits a picture's labels.

import { notify } from "./dialog.js";
import { h, icon } from "./dom.js";

// labelEditor calls saved with the labels after each change. accept makes a prediction a
// label.
export function labelEditor({ api, picture, saved }) {
  let labels = picture.labels;
  const list = h("ul", { class: "labels" });
  const known = h("datalist", { id: "known-labels" });
  const input = h("input", { id: "add-label", list: "known-labels", maxlength: 100, autocomplete: "off", placeholder: "Add a label" });
  const form = h("form", { class: "joined", onsubmit: add },
    h("label", { for: "add-label", class: "visually-hidden" }, "Add a label"), input, known, h("button", {}, "Add"));
  draw();
  suggest();

  function draw() {
    list.replaceChildren(...labels.map((label) => h("li", { class: "tag" }, h("span", {}, label),
      h("button", { type: "button", "aria-label": `Remove the label ${label}`, onclick: () => remove(label) }, icon("close")))));
    if (labels.length === 0) list.append(h("li", { class: "muted" }, "No labels yet."));
  }

  async function suggest() {
    try {
      const all = await api.get("/v1/labels");
      known.replaceChildren(...all.labels.slice(0, 500).map(({ label }) => h("option", { value: label })));
    } catch {
      // The field works without suggestions.
    }
  }

  async function add(event) {
    event.preventDefault();
    const label = input.value.trim();
    if (!label) return;
    if (await set([...labels, label])) input.value = "";
    input.focus();
  }

  async function remove(label) {
    await set(labels.filter((other) => other !== label));
    input.focus();
  }

  const path = `/v1/images/${encodeURIComponent(picture.id)}`;
  const set = (wanted) => change(() => api.put(`${path}/labels`, { labels: wanted }));
  const accept = (label) => change(() => api.post(`${path}/predictions/accept`, { label }));

  async function change(send) {
    try {
      labels = (await send()).labels;
    } catch (problem) {
      notify(`The labels were not changed: ${problem.message}`);
      return false;
    }
    draw();
    suggest();
    saved(labels);
    return true;
  }

  return { element: h("div", { class: "labeleditor" }, list, form), accept };
}
