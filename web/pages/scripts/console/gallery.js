// The gallery: loads pages of pictures on scrolling, and opens one picture above.

import { h, icon } from "./dom.js";
import { exportMenu } from "./exports.js";
import { filterBar } from "./filters.js";
import { count } from "./format.js";
import { grid } from "./grid.js";
import { pictureDialog } from "./picture.js";
import { apiFilter, format, same } from "./route.js";
import { selectBar } from "./selectbar.js";
import { Selection } from "./selection.js";

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
  const selection = new Selection();
  const wall = grid({ thumbs, href, near: () => next && !loading && load(), selection, pick });
  const selected = selectBar({
    api, selected: () => pictures.filter(({ id }) => selection.has(id)), changed: reselected, deleted: gone,
    clear: () => {
      selection.clear();
      reselected();
    },
    all: () => {
      selection.add(pictures.map(({ id }) => id));
      reselected();
    },
  });
  const labelThese = h("a", { class: "button" }, icon("label"), "Label these");
  const tally = h("p", { class: "tally muted small", role: "status" });
  const news = h("button", { type: "button", class: "primary small", hidden: true, onclick: () => begin(filter) });
  const note = h("div", { class: "empty", hidden: true });
  wall.element.addEventListener("click", () => { inside = true; });
  main.replaceChildren(
    h("header", { class: "row head" }, h("h1", {}, "Gallery"), tally, news, labelThese, exportMenu({ api, filter: () => filter })),
    bar.element, wall.element, note, selected.element);
  document.addEventListener("keydown", key, { signal: over.signal });

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
    labelThese.href = format({ view: "label", order: "newest", filter });
    selection.clear();
    wall.set(pictures);
    reselected();
    return load();
  }

  // pick selects a picture or ends that; with Shift everything from the one before.
  function pick(picture, event) {
    if (event.shiftKey) selection.reach(picture.id, pictures.map(({ id }) => id));
    else selection.toggle(picture.id);
    reselected();
  }

  function reselected(changed = null) {
    wall.redraw(changed);
    selected.update();
  }

  function key(event) {
    if (open || event.defaultPrevented || document.querySelector("dialog[open]") || event.target.matches("input:not([type=checkbox]), select, textarea")) return;
    const undoes = (event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "z";
    if (undoes) selected.undo();
    else if (event.key === "Escape" && selection.size > 0) {
      selection.clear();
      reselected();
    } else return;
    event.preventDefault();
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

  live.addEventListener("prediction", (event) => {
    change(event.detail.id, { predictions: event.detail.predictions });
    if (event.detail.id === open) dialog?.predicted(event.detail.predictions);
  }, { signal: over.signal });

  // change shows what is new of a picture, if it is on the wall.
  function change(id, members) {
    const picture = pictures[indexOf(id)];
    if (picture) reselected([Object.assign(picture, members)]);
  }

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
      changed: change,
      deleted,
    });
    dialog.open(id, steps());
  }

  function deleted(id) {
    const at = indexOf(id);
    gone([id]);
    if (at >= 0 && pictures[at]) location.replace(href(pictures[at].id));
    else dialog.close();
  }

  // gone removes deleted pictures from the wall.
  function gone(ids) {
    const at = pictures.findIndex(({ id }) => ids.includes(id));
    if (at >= 0) {
      pictures = pictures.filter(({ id }) => !ids.includes(id));
      wall.set(pictures, at);
    }
    for (const id of ids) selection.drop(id);
    reselected();
    tell();
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
function slim({ id, width, height, format: form, camera, captured_at, captured_at_offset, uploaded_at, labels, predictions = [], quality }) {
  return {
    id, width, height, format: form, camera: { name: camera.name }, captured_at, captured_at_offset, uploaded_at, labels,
    predictions: predictions.slice(0, 1), flags: quality?.flags ?? [],
  };
}
