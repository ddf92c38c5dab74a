// Pictures that look alike and are no copies.

import { h, icon } from "./dom.js";

const FIRST = 12;

// nearPictures shows them small. compare is called with one to be put beside the
// picture that is open.
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
    element: h("section", {}, h("h3", {}, "Looks like"), list, rest),
    close: () => frames.forEach((frame) => thumbs.hide(frame)),
  };
}
