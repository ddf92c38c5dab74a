// A panel of the overview: figures as a drawing or as a table.

import { h, icon } from "./dom.js";

// panel shows the drawing, and a button that switches to the table. controls stand
// before it.
export function panel({ title, className = "", drawing, table, controls = null }) {
  const id = `panel-${title.toLowerCase().replace(/\W+/g, "-")}`;
  const scroller = h("div", { class: "scroller", tabindex: 0, role: "region", "aria-label": `${title}, table`, hidden: true }, table);
  const toggle = h("button", { type: "button", class: "quiet small", "aria-pressed": "false", onclick: flip },
    icon("table"), h("span", { class: "visually-hidden" }, `${title}: `), "Table");
  function flip() {
    const asTable = scroller.hidden;
    scroller.hidden = !asTable;
    drawing.hidden = asTable;
    toggle.setAttribute("aria-pressed", String(asTable));
  }
  return h("section", { class: `panel card ${className}`, "aria-labelledby": id },
    h("header", {}, h("h2", { id }, title), controls, toggle), drawing, scroller);
}

// table has a caption for screen readers. head lists [name, whether its cells are
// numbers].
export function table(caption, head) {
  const body = h("tbody");
  const element = h("table", {},
    h("caption", { class: "visually-hidden" }, caption),
    h("thead", {}, h("tr", {}, head.map(([name, number]) => h("th", { scope: "col", class: number && "number" }, name)))),
    body);
  return { element, body };
}

export const number = (text) => h("td", { class: "number" }, text);
