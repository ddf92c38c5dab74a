// The wall of pictures. The document holds only the rows on and near the screen, so
// thousands of pictures cost no more than a screenful.

import { h } from "./dom.js";
import { captured, formatName, moment, percent } from "./format.js";
import { layout, visible } from "./layout.js";

const GAP = 6;

// grid calls near when the end of the wall is close. selection tells what is selected;
// pick is called with a picture that the operator selects, and the event.
export function grid({ thumbs, href, near, selection, pick }) {
  const list = h("ul", { class: "grid", onkeydown: key });
  const tiles = new Map(); // index → {element, frame, box, badge}
  let pictures = [];
  let rows = [];
  let drawing = 0;
  const resized = new ResizeObserver(arrange);
  const over = new AbortController();
  resized.observe(list);
  addEventListener("scroll", soon, { passive: true, signal: over.signal });
  addEventListener("resize", soon, { passive: true, signal: over.signal });

  function arrange() {
    const width = list.clientWidth;
    if (width === 0) return;
    const arranged = layout(pictures, { width, wanted: width < 560 ? 120 : 190, gap: GAP });
    rows = arranged.rows;
    list.style.height = `${arranged.height}px`;
    draw();
  }

  function soon() {
    drawing ||= requestAnimationFrame(draw);
  }

  function draw() {
    cancelAnimationFrame(drawing);
    drawing = 0;
    const top = -list.getBoundingClientRect().top;
    const [first, end] = visible(rows, top - innerHeight, top + 2 * innerHeight);
    const wanted = new Set();
    for (const row of rows.slice(first, end)) {
      let x = 0;
      row.widths.forEach((width, i) => {
        const index = row.first + i;
        wanted.add(index);
        position(tile(index), x, row.top, width, row.height);
        x += width + GAP;
      });
    }
    for (const [index, { element }] of tiles) {
      if (!wanted.has(index) && !element.contains(document.activeElement)) drop(index);
    }
    if (end >= rows.length - 2) near();
  }

  function tile(index) {
    const existing = tiles.get(index);
    if (existing) return existing.element;

    const picture = pictures[index];
    const frame = h("span", { class: "thumb" }, h("img", { alt: "" }));
    const badge = h("span", { class: "badge", "aria-hidden": "true" });
    const box = h("input", { type: "checkbox", onclick: (event) => pick(picture, event) });
    const element = h("li", { "aria-setsize": -1, "aria-posinset": index + 1 },
      h("a", { href: href(picture.id), "data-index": index, onclick: (event) => click(event, picture) }, frame, badge,
        h("span", { class: "cap", "aria-hidden": "true" }, [picture.camera.name ?? formatName(picture.format), ...picture.flags].join(" · "))),
      h("label", { class: "pick" }, box));
    tiles.set(index, { element, frame, badge, box });
    dress(index);
    thumbs.show(frame, picture.id);
    // The keyboard follows the order in the document.
    const after = [...list.children].find((other) => Number(other.firstChild.dataset.index) > index);
    list.insertBefore(element, after ?? null);
    return element;
  }

  // dress shows what changes of a picture: labels, predictions, whether it is selected.
  function dress(index) {
    const { element, badge, box } = tiles.get(index);
    const picture = pictures[index];
    element.firstChild.setAttribute("aria-label", name(picture));
    box.setAttribute("aria-label", `Select ${name(picture)}`);
    box.checked = selection.has(picture.id);
    element.classList.toggle("selected", box.checked);
    const { text, kind } = label(picture);
    badge.textContent = text;
    badge.className = `badge ${kind}`;
    badge.hidden = text === "";
  }

  // click selects with Ctrl, the command key or Shift, and while something is selected.
  // The key Enter always opens the picture.
  function click(event, picture) {
    const modified = event.ctrlKey || event.metaKey || event.shiftKey;
    if (!modified && (selection.size === 0 || event.detail === 0)) return;
    event.preventDefault();
    event.stopPropagation();
    pick(picture, event);
  }

  function drop(index) {
    const { element, frame } = tiles.get(index);
    tiles.delete(index);
    thumbs.hide(frame);
    element.remove();
  }

  function key(event) {
    const index = Number(event.target.closest("[data-index]")?.dataset.index);
    if (Number.isNaN(index)) return;
    if (event.key === " " || event.key === "x") {
      event.preventDefault();
      pick(pictures[index], event);
      return;
    }
    const at = rows.findIndex((row) => index >= row.first && index < row.first + row.widths.length);
    const step = (row) => row && row.first + Math.min(index - rows[at].first, row.widths.length - 1);
    const to = { ArrowLeft: index - 1, ArrowRight: index + 1, ArrowUp: step(rows[at - 1]), ArrowDown: step(rows[at + 1]) }[event.key];
    if (to === undefined || !pictures[to]) return;
    event.preventDefault();
    focus(to);
  }

  function focus(index) {
    const row = rows.find((r) => index < r.first + r.widths.length);
    if (!row) return;
    const top = list.getBoundingClientRect().top + row.top;
    if (top < 80 || top + row.height > innerHeight - 80) scrollBy({ top: top - innerHeight / 3, behavior: "instant" });
    draw();
    tiles.get(index)?.element.firstChild.focus({ preventScroll: true });
  }

  return {
    element: list,
    // set shows pictures. Those before from are unchanged.
    set(all, from = 0) {
      pictures = all;
      for (const index of [...tiles.keys()]) {
        if (index >= from) drop(index);
      }
      arrange();
    },
    // redraw shows pictures that have changed, or all.
    redraw(changed = null) {
      for (const index of tiles.keys()) {
        if (changed === null || changed.includes(pictures[index])) dress(index);
      }
      list.classList.toggle("selecting", selection.size > 0);
    },
    focus,
    close() {
      over.abort();
      cancelAnimationFrame(drawing);
      resized.disconnect();
      for (const index of [...tiles.keys()]) drop(index);
    },
  };
}

function position(element, x, y, width, height) {
  element.style.transform = `translate(${x}px, ${y}px)`;
  element.style.width = `${width}px`;
  element.style.height = `${height}px`;
}

// label is what the badge of a picture says: its labels, else the likeliest prediction.
function label({ labels, predictions: [first] }) {
  if (labels.length > 0) return { text: labels.length > 1 ? `${labels[0]} +${labels.length - 1}` : labels[0], kind: "own" };
  return { text: first ? `${first.label} ${percent(first.probability)}` : "", kind: "predicted" };
}

// name describes a picture to screen readers.
function name({ camera, format, captured_at: at, captured_at_offset: offset, uploaded_at: uploaded, labels, predictions: [first], flags }) {
  return [labels.join(", "), labels.length === 0 && first && `predicted ${first.label} ${percent(first.probability)}`, flags.join(", "),
    camera.name, formatName(format),
    at ? `taken ${captured(at, offset)}` : `uploaded ${moment(uploaded)}`].filter(Boolean).join(", ");
}
