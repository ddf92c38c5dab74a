// The links: a new one, and those there are.

import { ask, say } from "./dialog.js";
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
      h("p", { class: "muted small" }, "A link is written down when it is first used. One that was made elsewhere, or before this tab was " +
        "opened, and never used, is not listed; its address is known only to whoever made it."),
      failed, table.element, more));

  function begin(link) {
    const { token: _, ...kept } = link; // the address has it
    made.add(kept);
    draw();
    hand(kept);
  }

  // hand shows a link that was made here at the top.
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
      text: `“${link.label ?? link.id}” will be refused everywhere within two seconds. This cannot be undone.`,
      option: "Also erase the pictures that came through this link alone",
      confirm: "Revoke",
    });
    if (erase === null) return;
    try {
      await api.delete(`/v1/links/${encodeURIComponent(link.id)}${erase ? "?images=erase" : ""}`);
    } catch (problem) {
      say(`The link was not revoked: ${problem.message}`);
      return;
    }
    made.update(link.id, { revoked: true });
    say(erase ? "The link is revoked and its pictures are erased." : "The link is revoked.");
    fresh.hidden ||= fresh.querySelector(`[id="url-${link.id}"]`) !== null;
    load();
  }

  // load reads the first page, or the one at a cursor behind those there are.
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
      failed.textContent = `The list is not to be had: ${problem.message}`;
      failed.hidden = false;
    }
    draw();
  }

  function draw() {
    table.update(merge(made.list(), used));
    more.hidden = next === null;
  }

  // An upload changes what is said of its link.
  let soon = 0;
  live.addEventListener("upload", () => {
    if (used.length > PAGE) return; // who has read on is not taken back
    clearTimeout(soon);
    soon = setTimeout(() => load(), 1500);
  }, { signal: over.signal });
  draw();
  load();

  return {
    update() {},
    close() {
      over.abort();
      clearTimeout(soon);
    },
  };
}
