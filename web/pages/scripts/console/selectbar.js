// The bar that labels or deletes the selected pictures.

import { ask, notify } from "./dialog.js";
import { h, icon } from "./dom.js";
import { count, countOf } from "./format.js";
import { bearers } from "./selection.js";

const AT_ONCE = 1000; // ids of one request

// send changes pictures, as many as a request may have at a time. It calls done with
// those of each request: a failure of the next one does not undo them.
export async function send(api, pictures, change, done) {
  for (let from = 0; from < pictures.length; from += AT_ONCE) {
    const some = pictures.slice(from, from + AT_ONCE);
    await api.post("/v1/images/batch", { ids: some.map(({ id }) => id), ...change });
    done(some);
  }
}

// selectBar changes the pictures that selected returns. It calls changed with those
// whose labels have changed, deleted with the ids of those that are gone, clear and all
// when the operator asks for another selection.
export function selectBar({ api, selected, changed, deleted, clear, all }) {
  const size = h("p", { class: "size" });
  const field = h("input", { id: "select-label", list: "labels", maxlength: 100, autocomplete: "off", placeholder: "Label" });
  const add = h("form", { class: "joined", onsubmit: (event) => {
    event.preventDefault();
    const label = field.value.trim();
    if (label) relabel(label, true).then((done) => { if (done) field.value = ""; });
  } }, h("label", { for: "select-label", class: "visually-hidden" }, "Label for the selected pictures"), field, h("button", {}, "Add"));
  const borne = h("select", { "aria-label": "Remove a label from the selected pictures", onchange: () => {
    const label = borne.value;
    borne.value = "";
    relabel(label, false);
  } });
  const undo = h("button", { type: "button", hidden: true, onclick: takeBack }, icon("undo"), "Undo");
  const element = h("section", { class: "selectbar card", "aria-label": "Selected pictures", hidden: true },
    size, add, borne, undo,
    h("button", { type: "button", class: "danger", onclick: remove }, icon("trash"), "Delete"),
    h("button", { type: "button", onclick: all }, "Select all shown"),
    h("button", { type: "button", class: "quiet", "aria-label": "End the selection", onclick: () => {
      last = null;
      clear();
    } }, icon("close")));
  let last = null; // {pictures, label, adding}: what undo takes back

  // relabel adds a label to those pictures that lack it, or removes it from those that
  // bear it. So its opposite is the way back.
  async function relabel(label, adding, pictures = selected()) {
    const concerned = pictures.filter(({ labels }) => labels.includes(label) !== adding);
    const done = [];
    let failure = null;
    try {
      await send(api, concerned, adding ? { add_labels: [label] } : { remove_labels: [label] }, (some) => {
        for (const picture of some) {
          picture.labels = adding ? [...picture.labels, label].sort() : picture.labels.filter((other) => other !== label);
        }
        done.push(...some);
        last = { pictures: done, label, adding };
        changed(some);
      });
    } catch (problem) {
      failure = problem;
    }
    const what = `${label} ${adding ? "added to" : "removed from"} ${countOf(done.length, "picture")}`;
    notify(failure ? `${what} of ${count(concerned.length)}: ${failure.message}` : `${what}.`);
    return failure === null;
  }

  // takeBack undoes the last change. After a failure it can be tried again: relabel
  // passes over the pictures that are done.
  async function takeBack() {
    if (!last) return;
    const before = last;
    const done = await relabel(before.label, !before.adding, before.pictures);
    last = done ? null : before;
    update();
  }

  async function remove() {
    const pictures = selected();
    const confirmed = await ask({
      title: `Delete ${countOf(pictures.length, "picture")}?`, confirm: "Delete",
      text: "The service removes their files, their records and their share of the statistics for good. You cannot undo this.",
    });
    if (confirmed === null) return;
    let done = 0;
    try {
      await send(api, pictures, { delete: true }, (some) => {
        done += some.length;
        last = null;
        deleted(some.map(({ id }) => id));
      });
    } catch (problem) {
      notify(`${countOf(done, "picture")} of ${count(pictures.length)} deleted: ${problem.message}`);
      return;
    }
    notify(`${countOf(done, "picture")} deleted.`);
  }

  function update() {
    const pictures = selected();
    element.hidden = pictures.length === 0;
    size.textContent = `${count(pictures.length)} selected`;
    const found = bearers(pictures);
    borne.hidden = found.length === 0;
    borne.replaceChildren(h("option", { value: "" }, "Remove a label…"),
      ...found.map(([label, n]) => h("option", { value: label }, `${label} (${count(n)})`)));
    undo.hidden = last === null;
    if (last) undo.title = `Undo: ${last.label} ${last.adding ? "added to" : "removed from"} ${countOf(last.pictures.length, "picture")}`;
  }

  return { element, update, undo: takeBack };
}
