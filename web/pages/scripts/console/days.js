// Uploads per day: one column a day, the duplicates above the stored ones.

import { columns } from "./columns.js";
import { h, swap } from "./dom.js";
import { count, countOf, day } from "./format.js";
import { number, panel, table } from "./panel.js";
import { format } from "./route.js";

export function daysPanel() {
  const chart = columns({
    parts: [["stored", "stored", "Stored"], ["duplicates", "duplicate", "Duplicates"]],
    outcome: ({ stored, duplicates }) => `${count(stored)} stored, ${countOf(duplicates, "duplicate")}`,
  });
  const { element, body } = table("Uploads per day", [["Day (UTC)"], ["Stored", true], ["Duplicates", true], ["Uploaders, about", true]]);
  let before = "";

  return {
    element: panel({ title: "Uploads per day", className: "wide", drawing: chart.element, table: element }),
    update({ uploads_per_day: days }) {
      const state = JSON.stringify(days);
      if (state === before) return;
      before = state;

      chart.show({
        items: days, label: (d) => day(d.date), steps: [1, 2, 5, 7, 10, 15, 29],
        period: "30 days", hint: "The button Table shows each day.",
      });
      swap(body, days.toReversed().map((d) => h("tr", {},
        h("th", { scope: "row" }, h("a", { href: format({ view: "gallery", filter: { from: d.date, to: d.date } }) }, day(d.date))),
        number(count(d.stored)), number(count(d.duplicates)), number(count(d.uploaders)))));
    },
    close: chart.close,
  };
}
