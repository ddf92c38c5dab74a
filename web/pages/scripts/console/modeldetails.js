// How good a model is, measured on pictures that it had not seen.

import { confusionPanel } from "./confusion.js";
import { curvePanel, reliabilityPanel } from "./curves.js";
import { h } from "./dom.js";
import { count, countOf, moment, percent, round } from "./format.js";
import { number, table } from "./panel.js";
import { format } from "./route.js";
import { stateOf } from "./modeltable.js";

// modelDetails shows a model with its details.
export function modelDetails(model) {
  const { learning_curve: points, calibration: bins, confusion_matrix: matrix } = model;
  const curve = points?.length > 1 ? curvePanel(points) : null;
  const reliability = bins?.some(({ images }) => images > 0) ? reliabilityPanel(bins) : null;
  const confusion = matrix?.length ? confusionPanel(matrix, model.labels.map(({ label }) => label)) : null;
  const parts = [curve, reliability].filter(Boolean);

  return {
    element: h("section", { "aria-labelledby": "model" },
      h("header", { class: "row head" }, h("h2", { id: "model" }, `Model ${model.version}`), h("p", { class: "muted" }, stateOf(model), model.reason ? `: ${model.reason}` : "")),
      h("dl", { class: "tiles" }, figures(model).map(([name, value, note]) => h("div", { class: "tile card" },
        h("dt", {}, name), h("dd", { class: "figure" }, value), h("dd", { class: "muted small" }, note)))),
      h("div", { class: "panels two" }, labelPanel(model), ...parts.map(({ element }) => element), confusion)),
    close: () => parts.forEach((part) => part.close()),
  };
}

function figures(model) {
  const judged = model.held_out > 0 ? `of ${countOf(model.held_out, "held-out picture")}` : "of held-out pictures";
  return [
    ["Accuracy", percent(model.metrics.accuracy), `${judged}, the share predicted right`],
    ["Macro F1", percent(model.metrics.macro_f1), "mean of the labels’ F1"],
    ["Calibration error", round(model.metrics.ece, 3), "how far probabilities are off, on average"],
    ["Pictures", count(model.images), `trained ${moment(model.trained_at)}`],
    ["Labels", count(model.labels.length), model.mode === "several" ? "a picture may have several" : "one a picture"],
  ];
}

function labelPanel(model) {
  const { element, body } = table("Labels", [["Label"], ["Pictures", true], ["F1", true], ["Precision", true], ["Recall", true]]);
  body.append(...model.labels.map((label) => h("tr", {},
    h("th", { scope: "row" }, h("a", { href: format({ view: "gallery", filter: { predicted: label.label } }) }, label.label)),
    number(count(label.images)), number(percent(label.f1)), number(percent(label.precision)), number(percent(label.recall)))));
  const out = model.left_out ?? [];
  return h("section", { class: "panel card", "aria-labelledby": "panel-model-labels" },
    h("header", {}, h("h2", { id: "panel-model-labels" }, "Labels")),
    h("div", { class: "scroller", tabindex: 0, role: "region", "aria-label": "Labels, table" }, element),
    out.length > 0 && h("p", { class: "muted small" }, "Too few pictures: ", out.map(({ label, images }) => `${label} (${count(images)})`).join(", ")),
    model.split && h("p", { class: "muted small" }, `Never on both sides of the split: ${model.split}.`));
}
