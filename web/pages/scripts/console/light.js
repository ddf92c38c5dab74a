// The picture of a sitting: at once in the width that Ahead holds, then sharper where the
// screen shows more.

import { Ahead } from "./ahead.js";
import { h } from "./dom.js";

const WIDTH = 640;
const SHARP = 1280;
const REST = 400; // ms that a picture stays before it is fetched sharper

export function light({ api }) {
  const ahead = new Ahead(api, WIDTH);
  const img = h("img", { alt: "" });
  const note = h("p", { class: "note", role: "status" });
  const element = h("figure", { class: "lit", tabindex: -1, "data-state": "loading" }, img, note);
  let current = null;
  let timer = 0;
  let sharp = null; // {abort, address} of the sharper picture

  // leave ends what was under way for the picture before.
  function leave() {
    clearTimeout(timer);
    sharp?.abort.abort();
    if (sharp?.address) URL.revokeObjectURL(sharp.address);
    sharp = null;
  }

  async function load(picture) {
    try {
      const address = await ahead.get(picture.id);
      if (picture !== current) return;
      img.src = address;
      note.textContent = "";
      element.dataset.state = "ready";
      const seen = element.clientWidth * devicePixelRatio;
      if (seen > WIDTH && picture.width > WIDTH) timer = setTimeout(sharpen, REST, picture);
    } catch (problem) {
      if (picture !== current || problem.name === "AbortError") return;
      const later = problem.status === 503 || problem.status === 0;
      element.dataset.state = later ? "waiting" : "none";
      note.textContent = problem.code === "not-ready" ? "This picture is still being decoded." : problem.message;
      if (later) timer = setTimeout(load, 1000 * (problem.retryAfter || 3), picture);
    }
  }

  async function sharpen(picture) {
    const mine = { abort: new AbortController(), address: null };
    sharp = mine;
    try {
      const blob = await api.picture(picture.id, SHARP, mine.abort.signal);
      if (picture !== current) return;
      mine.address = URL.createObjectURL(blob);
      img.src = mine.address;
    } catch {
      // The narrow one stays.
    }
  }

  return {
    element,
    // show shows a picture or none, and fetches those of the ids, which come next.
    show(picture, alt, ids) {
      ahead.hold(ids);
      img.alt = alt;
      if (picture === current) return;
      leave();
      current = picture;
      element.dataset.state = "loading";
      element.dataset.id = picture?.id ?? "";
      note.textContent = "";
      img.removeAttribute("src");
      if (picture) load(picture);
    },
    close() {
      current = null;
      leave();
      ahead.clear();
    },
  };
}
