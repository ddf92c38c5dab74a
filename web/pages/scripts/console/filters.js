// The filters above the gallery.

import { h, icon } from "./dom.js";
import { formatName, fullDay } from "./format.js";
import { filters, isDay } from "./route.js";

// flags of a picture's quality, with their names.
const flags = {
  blurry: "Blurry", dark: "Dark", bright: "Bright", blank: "Blank", small: "Small", damaged: "Damaged", undecodable: "Undecodable",
  "time-suspect": "Suspect time", "place-suspect": "Suspect place", sensitive: "Sensitive",
};
const formats = ["jpeg", "png", "gif", "webp", "bmp", "tiff", "heic", "avif"];

// filterBar calls changed with each new filter.
export function filterBar({ api, live, changed }) {
  const cameras = h("datalist", { id: "cameras" });
  const labels = h("datalist", { id: "labels" });
  const link = h("select", { id: "f-link", name: "link" }, h("option", { value: "" }, "Any"));
  const fields = {
    camera: h("input", { id: "f-camera", name: "camera", list: "cameras", placeholder: "Any", autocomplete: "off" }),
    format: h("select", { id: "f-format", name: "format" }, h("option", { value: "" }, "Any"),
      formats.map((name) => h("option", { value: name }, formatName(name)))),
    link,
    label: h("input", { id: "f-label", name: "label", list: "labels", placeholder: "Any", autocomplete: "off" }),
    flag: h("select", { id: "f-flag", name: "flag" }, h("option", { value: "" }, "Any"),
      Object.entries(flags).map(([value, name]) => h("option", { value }, name))),
    from: h("input", { id: "f-from", name: "from", type: "date", "aria-describedby": "f-utc" }),
    to: h("input", { id: "f-to", name: "to", type: "date", "aria-describedby": "f-utc" }),
  };
  const names = { camera: "Camera", format: "Format", link: "Link", label: "Label", flag: "Quality", from: "From", to: "Until" };
  const chips = h("ul", { class: "chips", "aria-label": "Active filters" });
  const form = h("form", { class: "filters", role: "search", "aria-label": "Filter the pictures", onsubmit: (event) => event.preventDefault(), onchange: () => changed(read()) },
    filters.map((name) => h("div", { class: "field" }, h("label", { for: `f-${name}` }, names[name]), fields[name])), cameras, labels,
    h("p", { id: "f-utc", class: "visually-hidden" }, "Days of the upload, in UTC"));
  const panel = h("details", { class: "filterpanel", open: matchMedia("(min-width: 60rem)").matches },
    h("summary", {}, icon("filter"), "Filters"), form);
  const linkLabels = new Map(); // by the links' ids
  let current = {};

  function read() {
    return Object.fromEntries(filters.map((name) => [name, fields[name].value.trim()]).filter(([, value]) => value));
  }

  // text formats a filter's value.
  function text(name, value) {
    if (name === "link") return linkLabels.get(value) ?? value;
    if (name === "format") return formatName(value);
    if (name === "flag") return flags[value] ?? value;
    return isDay(value) ? fullDay(value) : value;
  }

  function draw() {
    chips.hidden = Object.keys(current).length === 0;
    chips.replaceChildren(...Object.entries(current).map(([name, value]) => h("li", { class: "tag" },
      h("span", {}, `${names[name]}: ${text(name, value)}`),
      h("button", { type: "button", "aria-label": `Remove the filter ${names[name]}`, onclick: () => changed({ ...current, [name]: "" }) }, icon("close")))),
    h("li", {}, h("button", { type: "button", class: "quiet small", onclick: () => changed({}) }, "Clear all")));
  }

  // set shows a filter. It adds an option for a link that the list lacks.
  function set(filter) {
    current = filter;
    for (const name of filters) {
      const value = filter[name] ?? "";
      if (name === "link" && value && ![...link.options].some((option) => option.value === value)) {
        link.append(h("option", { value }, text(name, value)));
      }
      fields[name].value = value;
    }
    draw();
  }

  async function suggest() {
    const [stats, known, used] = await Promise.all([
      live.stats ?? api.get("/v1/stats"), api.get("/v1/labels"), api.get("/v1/links?limit=500"),
    ]);
    cameras.replaceChildren(...stats.cameras.map(({ model }) => h("option", { value: model })));
    labels.replaceChildren(...known.labels.slice(0, 500).map(({ label }) => h("option", { value: label })));
    for (const { id, label } of used.links) linkLabels.set(id, label ?? id);
    link.replaceChildren(link.options[0], ...used.links.map(({ id }) => h("option", { value: id }, text("link", id))));
    set(current);
  }
  suggest().catch(() => {}); // the fields work without suggestions

  return { element: h("div", {}, panel, chips), set };
}
