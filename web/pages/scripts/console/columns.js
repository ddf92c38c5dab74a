// A chart of stacked columns.

import { h, svg } from "./dom.js";
import { count } from "./format.js";
import { every, stack, sums, ticks } from "./scale.js";

const HEIGHT = 240;
const LEFT = 44;
const BOTTOM = 26;
const TOP = 8;
const WIDEST = 28;

// columns makes a chart. parts lists what a column stacks from the bottom up, as
// [member of an item, CSS class, name]. outcome puts an item's numbers into words.
//
// show draws items. label names one. steps lists how many columns may lie between labels
// on the axis, and room the pixels that a label needs. period names all items together.
// hint ends the description for screen readers.
export function columns({ parts, outcome }) {
  const drawing = svg("svg", { class: "columns", height: HEIGHT, role: "img" });
  const readout = h("p", { class: "readout muted small", "aria-hidden": "true" });
  const legend = h("p", { class: "legend small" }, parts.map(([, kind, name]) => [h("span", { class: `key ${kind}` }), name]), readout);
  const element = h("div", { class: "chart" }, legend, drawing);
  const members = parts.map(([member]) => member);
  let shown = { items: [] };

  const resized = new ResizeObserver(draw);
  resized.observe(element);

  function draw() {
    const { items, label, steps, room = 64, period, hint } = shown;
    const width = drawing.clientWidth;
    if (width === 0 || items.length === 0) return;
    drawing.setAttribute("viewBox", `0 0 ${width} ${HEIGHT}`);
    drawing.setAttribute("aria-label", `Chart of the last ${period}: ${outcome(sums(items, members))}. ${hint}`);

    const lines = ticks(Math.max(...items.map((item) => members.reduce((all, member) => all + item[member], 0))));
    const scale = (HEIGHT - TOP - BOTTOM) / lines.at(-1);
    const base = HEIGHT - BOTTOM;
    const step = (width - LEFT) / items.length;
    const labelled = every(step, steps, room);
    const place = (i) => LEFT + (i + 0.5) * step;

    drawing.replaceChildren(
      ...lines.flatMap((n) => [
        svg("line", { class: n === 0 ? "axis" : "grid", x1: LEFT, x2: width, y1: base - n * scale, y2: base - n * scale }),
        svg("text", { x: LEFT - 8, y: base - n * scale + 4, "text-anchor": "end" }, count(n))]),
      ...items.map((item, i) => column(item, LEFT + i * step, step, base, scale)),
      ...items.map((item, i) => (items.length - 1 - i) % labelled === 0 && place(i) > LEFT + 16 &&
        svg("text", { x: Math.min(place(i), width - 2), y: HEIGHT - 6, "text-anchor": place(i) > width - 32 ? "end" : "middle" }, label(item))).filter(Boolean));
  }

  function column(item, x, step, base, scale) {
    const width = Math.min(WIDEST, step * 0.7);
    const at = x + (step - width) / 2;
    const heights = stack(members.map((member) => item[member]), scale);
    return svg("g", { class: "column", onpointerenter: () => tell(item), onpointerleave: () => tell(null) },
      svg("rect", { class: "target", x, width: step, y: TOP, height: base - TOP }),
      heights.map(({ top, height }, i) => height > 0 &&
        svg("rect", { class: parts[i][1], x: at, width, y: base - top, height, rx: Math.min(3, width / 4) })));
  }

  function tell(item) {
    const { items, label, period } = shown;
    readout.textContent = item ? `${label(item)}: ${outcome(item)}` : `${period}: ${outcome(sums(items, members))}`;
  }

  return {
    element,
    show(what) {
      shown = what;
      tell(null);
      draw();
    },
    close: () => resized.disconnect(),
  };
}
