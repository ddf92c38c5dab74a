// The stage of the picture dialog: one large picture, or two side by side.

import { h } from "./dom.js";

// stage returns its element, and one, two and clear, which fill and empty it.
export function stage({ api }) {
  const element = h("div", { class: "stage" });
  let shown = []; // {address, abort, timer} per picture

  function clear() {
    for (const one of shown) {
      one.abort.abort();
      clearTimeout(one.timer);
      if (one.address) URL.revokeObjectURL(one.address);
    }
    shown = [];
    element.replaceChildren();
  }

  function add(id, caption, alt) {
    const img = h("img", { alt });
    const note = h("p", { class: "note", role: "status" });
    const figure = h("figure", { "data-state": "loading" }, img, note, caption && h("figcaption", {}, caption));
    const one = { abort: new AbortController(), timer: 0, address: null };
    shown.push(one);
    element.append(figure);
    load(id, img, note, figure, one);
  }

  async function load(id, img, note, figure, one) {
    try {
      one.address = URL.createObjectURL(await api.picture(id, 1280, one.abort.signal));
      img.src = one.address;
      note.textContent = "";
      figure.dataset.state = "ready";
    } catch (problem) {
      if (problem.name === "AbortError") return;
      const later = problem.status === 503 || problem.status === 0;
      figure.dataset.state = later ? "waiting" : "none";
      note.textContent = problem.code === "not-ready" ? "This picture is still being decoded." : problem.message;
      if (later) one.timer = setTimeout(() => load(id, img, note, figure, one), 1000 * (problem.retryAfter || 3));
    }
  }

  return {
    element,
    clear,
    one(id, alt) {
      clear();
      add(id, null, alt);
    },
    two([id, alt], [other, distance]) {
      clear();
      add(id, "This picture", alt);
      add(other, `Distance ${distance}`, "The near-duplicate");
    },
  };
}
