// What the serving model predicts for a picture: labels with their probabilities.

import { h, icon, svg } from "./dom.js";
import { percent } from "./format.js";

// predictionList calls accept with a label that the operator makes one of the
// picture's.
export function predictionList({ predictions, labels, accept }) {
  if (predictions.length === 0) return h("p", { class: "muted" }, "No model has predicted anything for this picture yet.");
  return h("ol", { class: "predictions" }, predictions.map(({ label, probability }) => h("li", {},
    h("span", { class: "name" }, label),
    h("span", { class: "count" }, percent(probability)),
    labels.includes(label)
      ? h("span", { class: "chip stored" }, "label")
      : h("button", { type: "button", class: "quiet small", "aria-label": `Accept ${label}`, onclick: () => accept(label) }, icon("check")),
    bar(probability))));
}

// bar draws a share from 0 to 1.
export function bar(share) {
  return svg("svg", { class: "track", viewBox: "0 0 100 6", preserveAspectRatio: "none", "aria-hidden": "true" },
    svg("rect", { class: "whole", width: 100, height: 6 }),
    svg("rect", { class: "part", width: Math.max(1, 100 * Math.min(1, share)), height: 6 }));
}
