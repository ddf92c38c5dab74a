// The way out for the pictures and what is known of them.

import { say } from "./dialog.js";
import { h, icon } from "./dom.js";
import { apiFilter } from "./route.js";

const forms = [["zip", "ZIP", "the pictures, and what is known of them"], ["csv", "CSV", "a table"], ["ndjson", "NDJSON", "for programs"]];

// exportMenu downloads what the filter selects. A download cannot carry the
// token, so the service signs an address for it that is good for minutes.
export function exportMenu({ api, filter }) {
  const menu = h("details", { class: "menu", onkeydown: (event) => event.key === "Escape" && close() },
    h("summary", { class: "button" }, icon("download"), "Export"),
    h("div", { class: "card" }, forms.map(([format, name, what]) =>
      h("button", { type: "button", class: "quiet", onclick: () => start(format) }, h("strong", {}, name), h("span", { class: "muted small" }, what)))));
  menu.addEventListener("focusout", (event) => {
    if (event.relatedTarget && !menu.contains(event.relatedTarget)) menu.open = false;
  });

  function close() {
    menu.open = false;
    menu.firstChild.focus();
  }

  async function start(format) {
    close();
    try {
      const { url } = await api.post("/v1/exports", { format, filter: apiFilter(filter()) });
      const { pathname, search } = new URL(url);
      h("a", { href: pathname + search, download: "" }).click();
      say("The download begins.");
    } catch (problem) {
      say(`The export did not begin: ${problem.message}`);
    }
  }
  return menu;
}
