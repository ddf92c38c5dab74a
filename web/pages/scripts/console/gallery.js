// The gallery: loads pages of pictures on scrolling, and opens one picture above.

import { h } from "./dom.js";
import { exportMenu } from "./exports.js";
import { filterBar } from "./filters.js";
import { count } from "./format.js";
import { grid } from "./grid.js";
import { pictureDialog } from "./picture.js";
import { apiFilter, format, same } from "./route.js";

const PAGE = 100;

export function gallery(main, { api, live, thumbs, route, first }) {
  let filter = null; // null until begin
  let pictures = [];
  let next = null; // the cursor of the next page; null on the last one
  let loading = null; // AbortController of the page that is being loaded
  let fresh = 0; // pictures stored since begin
  let dialog = null;
  let inside = !first; // whether history.back() from a picture stays in the console
  let open = null; // the id of the open picture
  const over = new AbortController();

  const bar = filterBar({ api, live, changed: (wanted) => { location.hash = format({ view: "gallery", filter: wanted }); } });
  const href = (id) => format({ view: "gallery", picture: id, filter });
  const wall = grid({ thumbs, href, near: () => next && !loading && load() });
  const tally = h("p", { class: "muted small", role: "status" });
  const news = h("button", { type: "button", class: "primary small", hidden: true, onclick: () => begin(filter) });
  const note = h("div", { class: "empty", hidden: true });
  wall.element.addEventListener("click", () => { inside = true; });
  main.replaceChildren(
    h("header", { class: "row head" }, h("h1", {}, "Gallery"), tally, news, exportMenu({ api, filter: () => filter })),
    bar.element, wall.element, note);

  // begin loads a filter's first page.
  function begin(wanted) {
    filter = wanted;
    loading?.abort();
    loading = null;
    pictures = [];
    next = null;
    news.hidden = true;
    fresh = 0;
    bar.set(filter);
    wall.set(pictures);
    return load();
  }

  async function load() {
    const mine = new AbortController();
    loading = mine;
    note.hidden = true;
    if (pictures.length === 0) tally.textContent = "Loading…";
    const query = new URLSearchParams({ ...apiFilter(filter), limit: PAGE, ...(next ? { cursor: next } : {}) });
    try {
      const page = await api.get(`/v1/images?${query}`, { signal: mine.signal });
      const before = pictures.length;
      pictures = [...pictures, ...page.images.map(slim)];
      next = page.next;
      loading = null;
      wall.set(pictures, before);
    } catch (problem) {
      if (problem.name === "AbortError") return;
      loading = null;
      explain("The pictures could not be loaded", problem.message, h("button", { type: "button", onclick: load }, "Try again"));
    }
    tell();
  }

  function tell() {
    tally.textContent = next ? `${count(pictures.length)} shown, more below` : pictures.length === 1 ? "1 picture" : `${count(pictures.length)} pictures`;
    dialog?.bounds(steps());
    if (pictures.length > 0 || next || !note.hidden) return;
    if (Object.keys(filter).length > 0) {
      explain("No picture matches", "Remove a filter to see more.", h("a", { class: "button", href: "#/gallery" }, "Clear all filters"));
    } else {
      explain("There are no pictures yet", "Make a link, and send it to people who have pictures.", h("a", { class: "button primary", href: "#/links" }, "Make a link"));
    }
  }

  function explain(title, text, action) {
    note.replaceChildren(h("h2", {}, title), h("p", { class: "muted" }, text), action);
    note.hidden = false;
  }

  // A button offers new pictures: inserting them would move the wall under the pointer.
  live.addEventListener("upload", (event) => {
    if (event.detail.status !== "stored") return;
    fresh++;
    news.textContent = `${count(fresh)} new`;
    news.hidden = false;
  }, { signal: over.signal });

  const indexOf = (id) => pictures.findIndex((picture) => picture.id === id);

  function steps() {
    const at = indexOf(open);
    return { before: at > 0, after: at >= 0 && (at + 1 < pictures.length || next !== null) };
  }

  async function go(step) {
    const at = indexOf(open) + step;
    if (at >= pictures.length && next && !loading) await load();
    if (pictures[at]) location.replace(href(pictures[at].id));
  }

  function show(id) {
    open = id;
    dialog ??= pictureDialog({
      api, thumbs, href, go, closed,
      changed: (changedID, change) => Object.assign(pictures[indexOf(changedID)] ?? {}, change),
      deleted,
    });
    dialog.open(id, steps());
  }

  function deleted(id) {
    const at = indexOf(id);
    pictures = pictures.filter((picture) => picture.id !== id);
    if (at >= 0) wall.set(pictures, at);
    tell();
    if (at >= 0 && pictures[at]) location.replace(href(pictures[at].id));
    else dialog.close();
  }

  // closed restores the wall's address, by going back where that leads to the wall.
  function closed() {
    dialog = null;
    if (over.signal.aborted) return;
    const last = indexOf(open);
    open = null;
    if (last >= 0) wall.focus(last);
    if (!location.hash.startsWith("#/gallery/")) return; // the operator went elsewhere
    if (inside) history.back();
    else location.replace(format({ view: "gallery", filter }));
  }

  function update({ picture, filter: wanted }) {
    if (filter === null || !same(filter, wanted)) begin(wanted);
    if (picture) show(picture);
    else dialog?.close();
  }
  update(route);

  return {
    update,
    close() {
      over.abort();
      loading?.abort();
      dialog?.close();
      wall.close();
    },
  };
}

// slim returns the fields that the wall shows, since the gallery holds thousands.
function slim({ id, width, height, format: form, camera, captured_at, captured_at_offset, uploaded_at, labels }) {
  return { id, width, height, format: form, camera: { name: camera.name }, captured_at, captured_at_offset, uploaded_at, labels };
}
