// A bar chart of names with their counts.

import { h, svg, swap } from "./dom.js";
import { count, share } from "./format.js";
import { number, panel, table } from "./panel.js";

// barsPanel draws rows of {name, images, href}. whole returns what 100% is.
export function barsPanel({ title, column, empty, rows, whole }) {
  const list = h("ol", { class: "bars" });
  const { element, body } = table(title, [[column], ["Pictures", true], ["Share", true]]);
  let before = "";

  return {
    element: panel({ title, drawing: list, table: element }),
    update(stats) {
      const now = rows(stats);
      const all = whole(stats);
      const state = JSON.stringify([now, all]);
      if (state === before) return;
      before = state;

      const most = Math.max(1, ...now.map((row) => row.images));
      swap(list, now.length === 0 ? h("li", { class: "muted" }, empty) : now.map((row) => bar(row, most)));
      swap(body, now.map((row) => h("tr", {}, h("th", { scope: "row" }, h("a", { href: row.href }, row.name)),
        number(count(row.images)), number(share(row.images, all)))));
    },
  };
}

function bar({ name, images, href }, most) {
  return h("li", {}, h("a", { href },
    h("span", { class: "name" }, name), h("span", { class: "count" }, count(images)),
    svg("svg", { class: "track", viewBox: "0 0 100 6", preserveAspectRatio: "none", "aria-hidden": "true" },
      svg("rect", { class: "whole", width: 100, height: 6 }),
      svg("rect", { class: "part", width: Math.max(1, (100 * images) / most), height: 6 }))));
}
