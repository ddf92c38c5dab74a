// Recent uploads: one column a minute or an hour, which moves while pictures arrive.

import { columns } from "./columns.js";
import { h, swap } from "./dom.js";
import { count, countOf, hour, minute } from "./format.js";
import { number, panel, table } from "./panel.js";

const parts = [["stored", "stored", "Stored"], ["duplicates", "duplicate", "Duplicates"], ["rejected", "refused", "Refused"]];

// views are what the switch chooses from. The times of both are the operator's.
const views = {
  minutes: { name: "2 hours", label: (span) => minute(span.at), steps: [5, 10, 15, 30, 60], room: 64, hint: "The button Table shows each minute." },
  hours: { name: "7 days", label: (span) => hour(span.at), steps: [6, 12, 24, 48, 72, 96, 120], room: 100, hint: "The button Table shows each hour." },
};

export function recentPanel() {
  const chart = columns({
    parts,
    outcome: ({ stored, duplicates, rejected }) => `${count(stored)} stored, ${countOf(duplicates, "duplicate")}, ${count(rejected)} refused`,
  });
  const { element, body } = table("Recent uploads, without the times at which none came",
    [["From"], ["Stored", true], ["Duplicates", true], ["Refused", true]]);
  const buttons = Object.entries(views).map(([view, { name }]) =>
    h("button", { type: "button", class: "quiet small", "aria-pressed": String(view === "minutes"), onclick: () => choose(view) }, name));
  let chosen = "minutes";
  let recent = null;
  let before = "";

  function choose(view) {
    chosen = view;
    Object.keys(views).forEach((each, i) => buttons[i].setAttribute("aria-pressed", String(each === view)));
    show();
  }

  function show() {
    if (!recent) return;
    const state = JSON.stringify([chosen, recent[chosen]]);
    if (state === before) return;
    before = state;

    const { name, label, steps, room, hint } = views[chosen];
    chart.show({ items: recent[chosen], label, steps, room, period: name, hint });
    const rows = arrivals(recent[chosen], parts.map(([member]) => member));
    swap(body, rows.length === 0 ? h("tr", {}, h("td", { colspan: 4, class: "muted" }, `There were no uploads in the last ${name}.`)) :
      rows.map((span) => h("tr", {}, h("th", { scope: "row" }, h("time", { datetime: span.at }, label(span))),
        parts.map(([member]) => number(count(span[member]))))));
  }

  return {
    element: panel({
      title: "Recent uploads", className: "wide", drawing: chart.element, table: element,
      controls: h("div", { class: "switch", role: "group", "aria-label": "Recent uploads of the last" }, buttons),
    }),
    update(stats) {
      recent = stats.recent;
      show();
    },
    close: chart.close,
  };
}

// arrivals returns the spans with a count in one of the members, newest first.
export const arrivals = (spans, members) => spans.filter((span) => members.some((member) => span[member] > 0)).toReversed();
