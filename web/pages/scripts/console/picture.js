// One picture: large, with its document.

import { details } from "./details.js";
import { ask, notify, show } from "./dialog.js";
import { h, icon } from "./dom.js";
import { formatName } from "./format.js";
import { labelEditor } from "./labels.js";
import { nearPictures } from "./near.js";
import { predictionList } from "./predictions.js";
import { stage } from "./stage.js";

const signed = document.body.hasAttribute("data-signed");

// pictureDialog opens above the gallery. It calls go with -1 or +1, deleted and
// changed with the id of a picture, closed at the end.
export function pictureDialog({ api, thumbs, href, go, deleted, changed, closed }) {
  const title = h("h2", { id: "picture-title", tabindex: -1 });
  const about = h("div", { class: "about" });
  const view = stage({ api });
  const back = h("button", { type: "button", class: "step back", "aria-label": "Previous picture", onclick: () => go(-1) }, icon("previous"));
  const forth = h("button", { type: "button", class: "step forth", "aria-label": "Next picture", onclick: () => go(1) }, icon("next"));
  const dialog = h("dialog", { class: "picture", "aria-labelledby": "picture-title", onkeydown: key },
    h("div", { class: "light" }, view.element, back, forth),
    h("div", { class: "side" },
      h("header", {}, title,
        h("button", { type: "button", class: "quiet", "aria-label": "Close", onclick: () => dialog.close() }, icon("close"))),
      about));
  let current = null; // the id of the open picture
  let near = null;
  let reading = null;
  let likely = null; // the section of the predictions

  function key(event) {
    if (event.target.matches("input, select, textarea") || event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === "ArrowLeft" && !back.disabled) go(-1);
    else if (event.key === "ArrowRight" && !forth.disabled) go(1);
    else return;
    event.preventDefault();
  }

  // open shows a picture. steps tells whether there is one before and after it.
  async function open(id, steps) {
    bounds(steps);
    if (id === current) return;
    current = id;
    empty();
    title.textContent = "Picture";
    about.replaceChildren(h("p", { class: "muted" }, "Loading…"));
    view.one(id, "");

    reading = new AbortController();
    try {
      fill(await api.get(`/v1/images/${encodeURIComponent(id)}/metadata`, { signal: reading.signal }));
    } catch (problem) {
      if (problem.name === "AbortError") return;
      title.textContent = problem.status === 404 ? "There is no such picture" : "Picture";
      about.replaceChildren(h("p", { class: "bad", role: "alert" }, problem.message));
      if (problem.status === 404) view.clear();
    }
  }

  function fill(doc) {
    title.textContent = doc.camera.name ?? `${formatName(doc.format)} picture`;
    const picture = view.element.querySelector("img");
    if (picture) picture.alt = alt(doc);

    near = doc.near.length === 0 ? null : nearPictures({
      near: doc.near, thumbs, href, compare: (other, distance) => compare(doc, other, distance),
    });
    likely = predictionSection(doc);
    about.replaceChildren(
      actions(doc),
      h("section", {}, h("h3", {}, "Labels"), likely.editor.element), likely.element,
      ...details(doc).filter(Boolean), ...(near ? [near.element] : []));
    about.parentElement.scrollTop = 0;
  }

  // predictionSection shows the predictions beside an editor of the labels: a prediction
  // that is accepted becomes a label.
  function predictionSection(doc) {
    const element = h("section", {});
    const editor = labelEditor({ api, picture: doc, saved: (labels) => {
      doc.labels = labels;
      changed(doc.id, { labels });
      draw();
    } });

    function draw() {
      element.hidden = (doc.predictions ?? []).length === 0;
      element.replaceChildren(h("h3", {}, "Predictions"),
        predictionList({ predictions: doc.predictions ?? [], labels: doc.labels, accept: (label) => editor.accept(label) }));
    }
    draw();
    return { element, editor, update(predictions) {
      doc.predictions = predictions;
      draw();
    } };
  }

  function compare(doc, other, distance) {
    view.two([doc.id, alt(doc)], [other, distance]);
    const single = h("button", { type: "button", class: "single", onclick: () => {
      view.one(doc.id, alt(doc));
      title.focus();
    } }, "Show one picture");
    view.element.append(single);
    single.focus();
  }

  function actions(doc) {
    const address = `/v1/images/${encodeURIComponent(doc.id)}`;
    return h("div", { class: "row" },
      // Where addresses are signed, the service refuses a plain one.
      !signed && h("a", { class: "button", href: address, target: "_blank", rel: "noopener noreferrer" }, "Original"),
      h("button", { type: "button", onclick: (event) => download(doc, event.currentTarget) }, icon("download"), "Download"),
      h("button", { type: "button", class: "danger", onclick: () => remove(doc) }, icon("trash"), "Delete"));
  }

  async function download(doc, button) {
    button.disabled = true;
    try {
      const address = URL.createObjectURL(await api.picture(doc.id));
      h("a", { href: address, download: `${doc.id}.${doc.format === "jpeg" ? "jpg" : doc.format}` }).click();
      setTimeout(() => URL.revokeObjectURL(address), 60_000);
    } catch (problem) {
      notify(`The picture was not downloaded: ${problem.message}`);
    } finally {
      button.disabled = false;
    }
  }

  async function remove(doc) {
    const confirmed = await ask({
      title: "Delete this picture?", confirm: "Delete",
      text: "The service removes its file, its record and its share of the statistics for good. If someone sends it again, the service stores it again.",
    });
    if (confirmed === null) return;
    try {
      await api.delete(`/v1/images/${encodeURIComponent(doc.id)}`);
    } catch (problem) {
      notify(`The picture was not deleted: ${problem.message}`);
      return;
    }
    notify("The picture is deleted.");
    deleted(doc.id);
  }

  function bounds({ before, after }) {
    back.disabled = !before;
    forth.disabled = !after;
  }

  function empty() {
    reading?.abort();
    near?.close();
    near = null;
    likely = null;
    view.clear();
  }

  show(dialog, () => {
    empty();
    closed();
  });
  title.focus();
  return { open, bounds, predicted: (predictions) => likely?.update(predictions), close: () => dialog.close() };
}

const alt = (doc) => (doc.labels.length ? `Picture: ${doc.labels.join(", ")}` : `${formatName(doc.format)} picture`);
