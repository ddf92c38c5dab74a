// A picture's near-duplicates.

import { h, icon } from "./dom.js";

const FIRST = 12;

// nearPictures shows thumbnails. It calls compare with the id and the distance of
// the one to show beside the open picture.
export function nearPictures({ near, thumbs, href, compare }) {
  const frames = [];
  const list = h("ul", { class: "near" });
  const rest = near.length > FIRST && h("button", { type: "button", class: "small", onclick: all }, `Show all ${near.length}`);
  near.slice(0, FIRST).forEach(add);

  function add({ id, distance }) {
    const frame = h("span", { class: "thumb" }, h("img", { alt: "" }));
    frames.push(frame);
    thumbs.show(frame, id);
    list.append(h("li", {},
      h("a", { href: href(id), "aria-label": `Open the picture at distance ${distance}` }, frame),
      h("button", { type: "button", class: "small", "aria-label": `Compare with the picture at distance ${distance}`, onclick: () => compare(id, distance) },
        icon("compare"), `Distance ${distance}`)));
  }
  function all() {
    rest.remove();
    near.slice(FIRST).forEach(add);
  }
  return {
    element: h("section", {}, h("h3", {}, "Near-duplicates"), list, rest),
    close: () => frames.forEach((frame) => thumbs.hide(frame)),
  };
}
