// The table of links. On a phone each row becomes a card.

import { h, swap } from "./dom.js";
import { ago, bytes, count, moment } from "./format.js";
import { state } from "./made.js";
import { format } from "./route.js";

const columns = ["Label", "State", "Files", "Size", "First used", "Last used", "Actions"];
const numbers = new Set(["Files", "Size"]);

// linkTable calls hand with a link that this tab made, revoke with any link.
export function linkTable({ hand, revoke }) {
  const body = h("tbody");
  const empty = h("p", { class: "empty muted", hidden: true }, "There are no links yet. Make one above.");
  const table = h("table", { class: "linktable" },
    h("caption", { class: "visually-hidden" }, "Links"),
    h("thead", {}, h("tr", {}, columns.map((name) => h("th", { scope: "col", class: numbers.has(name) && "number" }, name)))),
    body);
  return {
    element: h("div", {}, table, empty),
    update(links) {
      empty.hidden = links.length > 0;
      table.hidden = links.length === 0;
      swap(body, links.map((link) => row(link, { hand, revoke })));
    },
  };
}

function row(link, { hand, revoke }) {
  const name = link.label ?? link.id;
  const now = state(link);
  return h("tr", { class: link.revoked && "over" },
    h("th", { scope: "row" },
      link.files > 0 ? h("a", { href: format({ view: "gallery", filter: { link: link.id } }) }, name) : name,
      h("span", { class: "muted small" }, link.made ? `made here, expires ${ago(link.made.expires_at)}` : link.label ? link.id.slice(0, 12) + "…" : "no label")),
    cell("State", h("span", { class: `chip ${now.replaceAll(" ", "-")}` }, now)),
    cell("Files", count(link.files)),
    cell("Size", bytes(link.bytes)),
    cell("First used", when(link.first_used_at)),
    cell("Last used", when(link.last_used_at)),
    h("td", { class: "actions" },
      link.made && now !== "expired" && !link.revoked &&
        h("button", { type: "button", class: "small", "aria-label": `Show ${name}`, onclick: () => hand(link.made) }, "Show"),
      !link.revoked && h("button", { type: "button", class: "small danger", "aria-label": `Revoke ${name}`, onclick: () => revoke(link) }, "Revoke")));
}

const cell = (column, content) => h("td", { "data-column": column, class: numbers.has(column) && "number" }, content);

const when = (time) => (time ? h("time", { datetime: time, title: moment(time) }, ago(time)) : "–");
