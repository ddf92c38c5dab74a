// The learning curve and the reliability diagram.

import { h, svg } from "./dom.js";
import { count, countOf, percent } from "./format.js";
import { number, panel, table } from "./panel.js";
import { ticks } from "./scale.js";

const HEIGHT = 240;
const LEFT = 44;
const BOTTOM = 40;
const TOP = 14;
const RIGHT = 22;

// plot draws in a frame whose vertical axis is a share from 0 to 1. It calls marks with
// functions that turn values into pixels, after each change of the size.
function plot({ name, horizontal, lines, marks, summary }) {
  const drawing = svg("svg", { class: "plot", height: HEIGHT, role: "img", "aria-label": summary });
  const resized = new ResizeObserver(draw);
  resized.observe(drawing);

  function draw() {
    const width = drawing.clientWidth;
    if (width === 0) return;
    drawing.setAttribute("viewBox", `0 0 ${width} ${HEIGHT}`);
    const base = HEIGHT - BOTTOM;
    const x = (value) => LEFT + (value / lines.at(-1).at) * (width - LEFT - RIGHT);
    const y = (value) => base - value * (base - TOP);
    drawing.replaceChildren(
      ...[0, 0.25, 0.5, 0.75, 1].flatMap((share) => [
        svg("line", { class: share === 0 ? "axis" : "grid", x1: LEFT, x2: width - RIGHT, y1: y(share), y2: y(share) }),
        svg("text", { x: LEFT - 8, y: y(share) + 4, "text-anchor": "end" }, percent(share))]),
      ...lines.map(({ at, text }) => svg("text", { x: x(at), y: base + 16, "text-anchor": "middle" }, text)),
      svg("text", { x: (LEFT + width) / 2, y: HEIGHT - 4, "text-anchor": "middle" }, horizontal),
      ...marks(x, y));
  }
  return { element: h("div", { class: "chart" }, name, drawing), close: () => resized.disconnect() };
}

const key = (kind, text) => [h("span", { class: `key ${kind}` }), text];

// curvePanel shows how models do that learn from fewer pictures.
export function curvePanel(curve) {
  const line = (name, kind) => (x, y) => [
    svg("polyline", { class: `line ${kind}`, points: curve.map((p) => `${x(p.images)},${y(p[name])}`).join(" ") }),
    curve.map((p) => svg("circle", { class: `point ${kind}`, cx: x(p.images), cy: y(p[name]), r: 3.5 },
      svg("title", {}, `${countOf(p.images, "picture")}: ${percent(p[name])}`)))].flat();
  const last = curve.at(-1);
  const chart = plot({
    name: h("p", { class: "legend small" }, key("stored", "Accuracy"), key("duplicate", "Macro F1")),
    horizontal: "Labelled pictures",
    lines: ticks(last.images).map((at) => ({ at, text: count(at) })),
    marks: (x, y) => [...line("macro_f1", "duplicate")(x, y), ...line("accuracy", "stored")(x, y)],
    summary: `Learning curve. From ${countOf(curve[0].images, "picture")} the accuracy is ${percent(curve[0].accuracy)}, from ${count(last.images)} it is ${percent(last.accuracy)}. The button Table shows each point.`,
  });
  const { element, body } = table("Learning curve", [["Labelled pictures"], ["Accuracy", true], ["Macro F1", true]]);
  body.append(...curve.map((p) => h("tr", {}, h("th", { scope: "row" }, count(p.images)), number(percent(p.accuracy)), number(percent(p.macro_f1)))));
  return { element: panel({ title: "Learning curve", drawing: chart.element, table: element }), close: chart.close };
}

// reliabilityPanel compares probabilities with how often they were right. Points on the
// diagonal are calibrated; a larger point stands for more predictions.
export function reliabilityPanel(bins) {
  const used = bins.filter(({ images }) => images > 0);
  const most = Math.max(...used.map(({ images }) => images));
  const radius = ({ images }) => 3.5 + 7 * Math.sqrt(images / most);
  const chart = plot({
    name: h("p", { class: "legend small" }, key("stored", "Share right"), key("even", "Perfect calibration")),
    horizontal: "Predicted probability",
    lines: [0, 0.25, 0.5, 0.75, 1].map((at) => ({ at, text: percent(at) })),
    marks: (x, y) => [
      svg("line", { class: "even", x1: x(0), y1: y(0), x2: x(1), y2: y(1) }),
      svg("polyline", { class: "line stored", points: used.map((b) => `${x(b.mean_probability)},${y(b.share_right)}`).join(" ") }),
      ...used.map((b) => svg("circle", { class: "point stored", cx: x(b.mean_probability), cy: y(b.share_right), r: radius(b) },
        svg("title", {}, `${percent(b.mean_probability)} predicted, ${percent(b.share_right)} right, ${countOf(b.images, "prediction")}`)))],
    summary: `Reliability diagram: ${used.map((b) => `at ${percent(b.mean_probability)} predicted, ${percent(b.share_right)} right`).join("; ")}. The button Table shows each bin.`,
  });
  const { element, body } = table("Reliability", [["Probability"], ["Mean", true], ["Right", true], ["Predictions", true]]);
  body.append(...used.map((b) => h("tr", {}, h("th", { scope: "row" }, `${percent(b.from)} to ${percent(b.to)}`),
    number(percent(b.mean_probability)), number(percent(b.share_right)), number(count(b.images)))));
  return { element: panel({ title: "Reliability", drawing: chart.element, table: element }), close: chart.close };
}
