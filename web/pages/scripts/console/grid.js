// The wall of pictures. The document holds only the rows on and near the screen, so
// thousands of pictures cost no more than a screenful.

import { h } from "./dom.js";
import { captured, formatName, moment } from "./format.js";
import { layout, visible } from "./layout.js";

const GAP = 6;

export function grid({ thumbs, href, near }) {
  const list = h("ul", { class: "grid", onkeydown: key });
  const tiles = new Map(); // index → {element, frame}
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
    const element = h("li", { "aria-setsize": -1, "aria-posinset": index + 1 },
      h("a", { href: href(picture.id), "aria-label": name(picture), "data-index": index }, frame,
        h("span", { class: "cap", "aria-hidden": "true" }, picture.camera.name ?? formatName(picture.format))));
    tiles.set(index, { element, frame });
    thumbs.show(frame, picture.id);
    // The keyboard follows the order in the document.
    const after = [...list.children].find((other) => Number(other.firstChild.dataset.index) > index);
    list.insertBefore(element, after ?? null);
    return element;
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

// name describes a picture to screen readers.
function name({ camera, format, captured_at: at, captured_at_offset: offset, uploaded_at: uploaded, labels }) {
  return [labels.join(", "), camera.name, formatName(format),
    at ? `taken ${captured(at, offset)}` : `uploaded ${moment(uploaded)}`].filter(Boolean).join(", ");
}
