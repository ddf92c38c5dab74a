// The confusion matrix as a table with shaded cells, and the pairs that a model takes
// for each other.

import { h } from "./dom.js";
import { count, countOf, percent } from "./format.js";
import { format } from "./route.js";

const SHOWN = 30; // labels of the table
const NARROW = 6; // labels of a table that fits half of the width
const PAIRS = 5;

// confusions lists {truth, predicted, images} off the diagonal, the most frequent first.
export function confusions(matrix, labels) {
  return matrix.flatMap((row, i) => row.map((images, j) => ({ truth: labels[i], predicted: labels[j], images, right: i === j })))
    .filter(({ images, right }) => images > 0 && !right)
    .map(({ truth, predicted, images }) => ({ truth, predicted, images }))
    .sort((a, b) => b.images - a.images || (a.truth < b.truth ? -1 : 1));
}

// commonest returns the indices of the labels with the most pictures, in their order.
export function commonest(matrix, most = SHOWN) {
  const sums = matrix.map((row, i) => [row.reduce((a, b) => a + b, 0), i]);
  return sums.sort(([a, i], [b, j]) => b - a || i - j).slice(0, most).map(([, i]) => i).sort((a, b) => a - b);
}

export function confusionPanel(matrix, labels) {
  const shown = commonest(matrix);
  const pairs = confusions(matrix, labels).slice(0, PAIRS);
  const element = h("table", { class: "confusion", "aria-labelledby": "panel-confusion", "aria-describedby": "confusion-help" },
    h("thead", {}, h("tr", {}, h("th", { scope: "col" }, "Label"), shown.map((j) => h("th", { scope: "col" }, h("span", {}, labels[j]))))),
    h("tbody", {}, shown.map((i) => row(matrix[i], i, shown, labels))));

  return h("section", { class: `panel card ${shown.length > NARROW ? "wide" : ""}`, "aria-labelledby": "panel-confusion" },
    h("header", {}, h("h2", { id: "panel-confusion" }, "Confusion matrix")),
    h("p", { id: "confusion-help", class: "muted small" }, "Each row has the pictures of a label, each column what the model predicted for them."),
    h("div", { class: "scroller", tabindex: 0, role: "region", "aria-label": "Confusion matrix, table" }, element),
    shown.length < labels.length && h("p", { class: "muted small" }, `The table shows the ${count(SHOWN)} commonest of ${count(labels.length)} labels.`),
    pairs.length > 0 && h("h3", {}, "Most often confused"),
    pairs.length > 0 && h("ul", { class: "pairs" }, pairs.map(({ truth, predicted, images }) => h("li", {},
      h("a", { href: format({ view: "gallery", filter: { label: truth, predicted } }) }, `${truth} taken for ${predicted}`), ` ${countOf(images, "picture")}`))));
}

function row(images, i, shown, labels) {
  const all = images.reduce((a, b) => a + b, 0);
  return h("tr", {}, h("th", { scope: "row" }, labels[i]), shown.map((j) => {
    const share = all > 0 ? images[j] / all : 0;
    const cell = h("td", { class: images[j] === 0 ? "none" : i === j ? "right" : "wrong", title: images[j] > 0 && `${labels[i]} predicted as ${labels[j]}: ${percent(share)}` },
      images[j] === 0 ? h("span", { class: "muted" }, "0") : count(images[j]));
    cell.style.setProperty("--share", `${Math.round(8 + 32 * share)}%`);
    return cell;
  }));
}
