// Uploads per day: one column a day, the duplicates above the stored ones.

import { h, svg, swap } from "./dom.js";
import { count, countOf, day } from "./format.js";
import { number, panel, table } from "./panel.js";
import { format } from "./route.js";
import { ticks } from "./scale.js";

const HEIGHT = 240;
const LEFT = 44;
const BOTTOM = 26;
const TOP = 8;

export function daysPanel() {
  const drawing = svg("svg", { class: "days", height: HEIGHT, role: "img" });
  const readout = h("p", { class: "readout muted small", "aria-hidden": "true" });
  const legend = h("p", { class: "legend small" },
    h("span", { class: "key stored" }), "Stored", h("span", { class: "key duplicate" }), "Duplicates", readout);
  const { element, body } = table("Uploads per day", [["Day (UTC)"], ["Stored", true], ["Duplicates", true], ["Uploaders, about", true]]);
  const chart = h("div", { class: "chart" }, legend, drawing);
  let days = [];

  const resized = new ResizeObserver(draw);
  resized.observe(chart);

  function draw() {
    const width = drawing.clientWidth;
    if (width === 0 || days.length === 0) return;
    drawing.setAttribute("viewBox", `0 0 ${width} ${HEIGHT}`);
    drawing.setAttribute("aria-label", summary(days));

    const lines = ticks(Math.max(...days.map((d) => d.stored + d.duplicates)));
    const scale = (HEIGHT - TOP - BOTTOM) / lines.at(-1);
    const base = HEIGHT - BOTTOM;
    const step = (width - LEFT) / days.length;

    drawing.replaceChildren(
      ...lines.flatMap((n) => [
        svg("line", { class: n === 0 ? "axis" : "grid", x1: LEFT, x2: width, y1: base - n * scale, y2: base - n * scale }),
        svg("text", { x: LEFT - 8, y: base - n * scale + 4, "text-anchor": "end" }, count(n))]),
      ...days.map((d, i) => column(d, LEFT + i * step, step, base, scale)),
      ...days.map((d, i) => (days.length - 1 - i) % labelled(step) === 0 &&
        svg("text", { x: Math.min(LEFT + (i + 0.5) * step, width - 20), y: HEIGHT - 6, "text-anchor": "middle" }, day(d.date))).filter(Boolean));
  }

  function column(d, x, step, base, scale) {
    const width = Math.min(28, step * 0.7);
    const at = x + (step - width) / 2;
    const stored = d.stored * scale;
    const duplicates = d.duplicates * scale;
    const gap = stored > 3 && duplicates > 3 ? 1.5 : 0;
    return svg("g", { class: "day", onpointerenter: () => tell(d), onpointerleave: () => tell(null) },
      svg("rect", { class: "target", x, width: step, y: TOP, height: base - TOP }),
      d.stored > 0 && svg("rect", { class: "stored", x: at, width, y: base - stored, height: stored, rx: Math.min(3, width / 4) }),
      d.duplicates > 0 && svg("rect", { class: "duplicate", x: at, width, y: base - stored - duplicates, height: Math.max(1, duplicates - gap), rx: Math.min(3, width / 4) }));
  }

  function tell(d) {
    readout.textContent = d ? `${day(d.date)}: ${outcome(d.stored, d.duplicates)}` : `30 days: ${outcome(sum(days, "stored"), sum(days, "duplicates"))}`;
  }

  return {
    element: panel({ title: "Uploads per day", className: "wide", drawing: chart, table: element }),
    update(stats) {
      if (JSON.stringify(days) === JSON.stringify(stats.uploads_per_day)) return;
      days = stats.uploads_per_day;
      tell(null);
      draw();
      swap(body, days.toReversed().map((d) => h("tr", {},
        h("th", { scope: "row" }, h("a", { href: format({ view: "gallery", filter: { from: d.date, to: d.date } }) }, day(d.date))),
        number(count(d.stored)), number(count(d.duplicates)), number(count(d.uploaders)))));
    },
    close: () => resized.disconnect(),
  };
}

// labelled returns the number of days from one label to the next.
const labelled = (step) => [1, 2, 5, 7, 10, 15].find((n) => n * step >= 64) ?? 29;

const sum = (days, name) => days.reduce((all, d) => all + d[name], 0);

const outcome = (stored, duplicates) => `${count(stored)} stored, ${countOf(duplicates, "duplicate")}`;

const summary = (days) => `Chart of the last 30 days: ${outcome(sum(days, "stored"), sum(days, "duplicates"))}. ` +
  "The button Table shows each day.";
