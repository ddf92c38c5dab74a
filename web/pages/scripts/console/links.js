// The links view: makes links, lists and revokes them.

import { ask, notify } from "./dialog.js";
import { h } from "./dom.js";
import { linkTable } from "./linktable.js";
import { Made, merge } from "./made.js";
import { madeLink } from "./madelink.js";
import { newLinkForm } from "./newlink.js";

const PAGE = 50;

export function links(main, { api, live }) {
  const made = new Made();
  const over = new AbortController();
  const fresh = h("section", { class: "fresh card", "aria-labelledby": "fresh", hidden: true });
  const table = linkTable({ hand, revoke });
  const more = h("button", { type: "button", hidden: true, onclick: () => load(next) }, "Show more");
  const failed = h("p", { class: "notice bad", role: "alert", hidden: true });
  let used = [];
  let next = null;

  main.replaceChildren(
    h("h1", { class: "visually-hidden" }, "Links"),
    h("div", { class: "making" }, newLinkForm({ api, made: begin }), fresh),
    h("section", { class: "card", "aria-labelledby": "links" },
      h("header", { class: "row" }, h("h2", { id: "links" }, "All links")),
      h("p", { class: "muted small" }, "The service records a link at its first use. This list shows recorded links, and those that you " +
        "made in this tab."),
      failed, table.element, more));

  function begin(link) {
    const { token: _, ...rest } = link; // rest.url contains the token
    made.add(rest);
    draw();
    hand(rest);
  }

  // hand shows a link of this tab at the top.
  function hand(link) {
    const title = h("h2", { id: "fresh", tabindex: -1 }, link.label ?? "Your link");
    fresh.replaceChildren(title, madeLink(link));
    fresh.hidden = false;
    title.focus();
    title.scrollIntoView({ block: "nearest" });
  }

  async function revoke(link) {
    const erase = await ask({
      title: "Revoke this link?",
      text: `The service refuses “${link.label ?? link.id}” within two seconds. You cannot undo this.`,
      option: "Also erase the pictures that came only through this link",
      confirm: "Revoke",
    });
    if (erase === null) return;
    try {
      await api.delete(`/v1/links/${encodeURIComponent(link.id)}${erase ? "?images=erase" : ""}`);
    } catch (problem) {
      notify(`The link was not revoked: ${problem.message}`);
      return;
    }
    made.update(link.id, { revoked: true });
    notify(erase ? "The link is revoked and its pictures are erased." : "The link is revoked.");
    fresh.hidden ||= fresh.querySelector(`[id="url-${link.id}"]`) !== null;
    load();
  }

  // load reads the first page, or appends the page at a cursor.
  async function load(cursor = null) {
    try {
      const query = cursor ? `&cursor=${encodeURIComponent(cursor)}` : "";
      const page = await api.get(`/v1/links?limit=${PAGE}${query}`, { signal: over.signal });
      const known = new Set(cursor ? used.map((link) => link.id) : []);
      used = [...(cursor ? used : []), ...page.links.filter((link) => !known.has(link.id))];
      next = page.next;
      failed.hidden = true;
    } catch (problem) {
      if (problem.name === "AbortError") return;
      failed.textContent = `The list could not be loaded: ${problem.message}`;
      failed.hidden = false;
    }
    draw();
  }

  function draw() {
    table.update(merge(made.list(), used));
    more.hidden = next === null;
  }

  // An upload changes its link's row.
  let soon = 0;
  live.addEventListener("upload", () => {
    if (used.length > PAGE) return; // a reload would drop the further pages
    clearTimeout(soon);
    soon = setTimeout(() => load(), 1500);
  }, { signal: over.signal });
  draw();
  load();

  return {
    close() {
      over.abort();
      clearTimeout(soon);
    },
  };
}
