// The active filters, each with a button that removes it.

import { h, icon } from "./dom.js";
import { formatName, fullDay, percent } from "./format.js";
import { isDay } from "./route.js";

export const names = {
  camera: "Camera", format: "Format", link: "Link", label: "Label", labelled: "Labelled", predicted: "Predicted",
  min_probability: "Probability", flag: "Quality", from: "From", to: "Until",
};

// flags are what the service can say about a picture's quality, with words for it.
export const flags = {
  blurry: "Blurry", dark: "Dark", bright: "Bright", blank: "Blank", small: "Small", damaged: "Damaged", undecodable: "Undecodable",
  "time-suspect": "Suspect time", "place-suspect": "Suspect place", sensitive: "Sensitive",
};

// text formats a filter's value. linkLabels are by the links' ids.
export function text(name, value, linkLabels = new Map()) {
  switch (name) {
    case "link": return linkLabels.get(value) ?? value;
    case "format": return formatName(value);
    case "flag": return flags[value] ?? value;
    case "labelled": return value === "true" ? "yes" : "no";
    case "min_probability": return `at least ${percent(Number(value))}`;
  }
  return isDay(value) ? fullDay(value) : value;
}

// filterChips calls changed with each new filter.
export function filterChips({ changed, linkLabels = new Map() }) {
  const list = h("ul", { class: "chips", "aria-label": "Active filters", hidden: true });

  function without(filter, name) {
    const rest = { ...filter, [name]: "" };
    if (name === "predicted") rest.min_probability = "";
    return rest;
  }

  return {
    element: list,
    set(filter) {
      list.hidden = Object.keys(filter).length === 0;
      list.replaceChildren(...Object.entries(filter).map(([name, value]) => h("li", { class: "tag" },
        h("span", {}, `${names[name]}: ${text(name, value, linkLabels)}`),
        h("button", { type: "button", "aria-label": `Remove the filter ${names[name]}`, onclick: () => changed(without(filter, name)) }, icon("close")))),
      h("li", {}, h("button", { type: "button", class: "quiet small", onclick: () => changed({}) }, "Clear all")));
    },
  };
}
