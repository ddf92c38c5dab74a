// The labels to choose from. The first nine have the keys 1 to 9.

import { h } from "./dom.js";
import { count, countOf } from "./format.js";

const NUMBERED = 9;
const SHOWN = 100;
const SUGGESTED = 500;

// palette calls choose with a label.
export function palette({ choose }) {
  const list = h("ul", { class: "palette", "aria-label": "Labels to choose from" });
  const names = h("datalist", { id: "label-names" });
  const buttons = new Map(); // label → {button, images}

  function add(label) {
    const number = buttons.size + 1;
    const images = h("span", { class: "muted small" });
    const button = h("button", { type: "button", "aria-pressed": "false", onclick: () => choose(label) },
      number <= NUMBERED && h("kbd", { "aria-hidden": "true" }, number), h("span", { class: "name" }, label), images);
    if (number <= NUMBERED) button.setAttribute("aria-keyshortcuts", number);
    const entry = { button, images };
    buttons.set(label, entry);
    list.append(h("li", {}, button));
    return entry;
  }

  return {
    element: list,
    names, // for a field that suggests all labels
    // update shows {label, images} in their order. set are the picture's labels, or null
    // where there is no picture.
    update(labels, set) {
      for (const { label, images } of labels.slice(0, SHOWN)) {
        const entry = buttons.get(label) ?? add(label);
        entry.images.textContent = count(images);
        entry.images.title = countOf(images, "picture");
        entry.button.disabled = set === null;
        entry.button.setAttribute("aria-pressed", String(set?.includes(label) ?? false));
      }
      for (const { label } of labels.slice(names.children.length, SUGGESTED)) names.append(h("option", { value: label }));
      list.hidden = labels.length === 0;
    },
    // numbered returns the label of a key from 1 to 9.
    numbered: (number) => [...buttons.keys()][number - 1],
  };
}
