// The menu that exports pictures and their metadata.

import { notify } from "./dialog.js";
import { h, icon } from "./dom.js";
import { apiFilter } from "./route.js";

const formats = [["zip", "ZIP", "the pictures and their metadata"], ["csv", "CSV", "a table of metadata"], ["ndjson", "NDJSON", "metadata for programs"]];

// exportMenu downloads the pictures that match the filter. A download cannot send
// the token, so the service signs an address that is good for ten minutes.
export function exportMenu({ api, filter }) {
  const menu = h("details", { class: "menu", onkeydown: (event) => event.key === "Escape" && close() },
    h("summary", { class: "button" }, icon("download"), "Export"),
    h("div", { class: "card" }, formats.map(([format, name, what]) =>
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
      notify("The download begins.");
    } catch (problem) {
      notify(`The export did not begin: ${problem.message}`);
    }
  }
  return menu;
}
