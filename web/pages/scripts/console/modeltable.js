// The table of the models' versions. On a phone each row becomes a card.

import { h, swap } from "./dom.js";
import { count, moment, percent, round } from "./format.js";
import { format } from "./route.js";

const columns = ["Version", "State", "Trained", "Pictures", "Labels", "Accuracy", "Macro F1", "Calibration error", "Actions"];
const numbers = new Set(["Pictures", "Labels", "Accuracy", "Macro F1", "Calibration error"]);

// modelTable calls promote with a model, and whether that is a roll back.
export function modelTable({ promote }) {
  const body = h("tbody");
  const table = h("table", { class: "cardtable" },
    h("caption", { class: "visually-hidden" }, "Versions of the model"),
    h("thead", {}, h("tr", {}, columns.map((name) => h("th", { scope: "col", class: numbers.has(name) && "number" }, name)))), body);
  const element = h("section", { class: "card", "aria-labelledby": "versions", hidden: true }, h("h2", { id: "versions" }, "Versions"), table);
  let before = "";

  return {
    element,
    // update shows the models. selected is the version whose details are open.
    update({ models, serving }, selected) {
      const state = JSON.stringify([models, serving, selected]);
      if (state === before) return;
      before = state;
      element.hidden = models.length === 0;
      swap(body, models.map((model) => row(model, { serving, selected, promote })));
    },
  };
}

// stateOf names what became of a model: serving, promoted earlier, or not promoted.
export const stateOf = ({ serving, promoted }) => (serving ? "serving" : promoted ? "earlier" : "not promoted");

const versionNumber = (version) => Number(String(version).replace(/^v/, ""));

// isBack tells whether serving a model goes back to an older one that has served.
export const isBack = ({ version, promoted }, serving) => promoted && serving !== null && versionNumber(version) < versionNumber(serving);

function row(model, { serving, selected, promote }) {
  const { version, metrics } = model;
  const state = stateOf(model);
  const back = isBack(model, serving);
  const verb = back ? "Roll back" : "Promote";
  return h("tr", { class: version === selected && "selected" },
    h("th", { scope: "row" }, h("a", { href: format({ view: "models", version }), "aria-current": version === selected && "true" }, version),
      model.reason && h("span", { class: "muted small" }, model.reason)),
    cell("State", h("span", { class: `chip ${state === "serving" ? "stored" : state === "earlier" ? "" : "duplicate"}` }, state)),
    cell("Trained", h("time", { datetime: model.trained_at }, moment(model.trained_at))),
    cell("Pictures", count(model.images)),
    cell("Labels", count(model.labels.length)),
    cell("Accuracy", percent(metrics.accuracy)),
    cell("Macro F1", percent(metrics.macro_f1)),
    cell("Calibration error", round(metrics.ece, 3)),
    h("td", { class: "actions" }, !model.serving &&
      h("button", { type: "button", class: "small", "aria-label": `${verb} ${back ? "to " : ""}${version}`, onclick: () => promote(model, back) }, verb)));
}

const cell = (column, content) => h("td", { "data-column": column, class: numbers.has(column) && "number" }, content);
