// The filters above the gallery.

import { filterChips, flags, names, text } from "./chips.js";
import { h, icon } from "./dom.js";
import { formatName, percent } from "./format.js";
import { filters } from "./route.js";

const formats = ["jpeg", "png", "gif", "webp", "bmp", "tiff", "heic", "avif"];

// quick filters are one click away. "unwanted" is a label that the operator gives and
// the model learns, like any other.
const quick = [
  ["Not labelled", { labelled: "false" }],
  ["Sensitive", { flag: "sensitive" }],
  ["Unwanted", { label: "unwanted" }],
  ["Likely unwanted", { predicted: "unwanted", labelled: "false" }],
];

// offered tells whether the labels that a quick filter names are in use.
export const offered = ({ label, predicted }, used) => [label, predicted].every((name) => name === undefined || used.has(name));

const options = (...pairs) => [h("option", { value: "" }, "Any"), pairs.map(([value, name]) => h("option", { value }, name))];

// filterBar calls changed with each new filter.
export function filterBar({ api, live, changed }) {
  const cameras = h("datalist", { id: "cameras" });
  const labels = h("datalist", { id: "labels" });
  const link = h("select", { id: "f-link", name: "link" }, options());
  const least = h("input", { id: "f-min_probability", name: "min_probability", type: "range", min: 0, max: 1, step: 0.05, oninput: tellLeast });
  const fields = {
    camera: h("input", { id: "f-camera", name: "camera", list: "cameras", placeholder: "Any", autocomplete: "off" }),
    format: h("select", { id: "f-format", name: "format" }, options(...formats.map((name) => [name, formatName(name)]))),
    link,
    label: h("input", { id: "f-label", name: "label", list: "labels", placeholder: "Any", autocomplete: "off" }),
    labelled: h("select", { id: "f-labelled", name: "labelled" }, options(["true", "Labelled"], ["false", "Not labelled"])),
    predicted: h("input", { id: "f-predicted", name: "predicted", list: "labels", placeholder: "Any", autocomplete: "off" }),
    min_probability: least,
    flag: h("select", { id: "f-flag", name: "flag" }, options(...Object.entries(flags))),
    from: h("input", { id: "f-from", name: "from", type: "date", "aria-describedby": "f-utc" }),
    to: h("input", { id: "f-to", name: "to", type: "date", "aria-describedby": "f-utc" }),
  };
  const linkLabels = new Map(); // by the links' ids
  const chips = filterChips({ changed, linkLabels });
  const fast = h("ul", { class: "quickfilters", "aria-label": "Quick filters" }, quick.map(([name, filter]) => h("li", { hidden: !offered(filter, new Set()) },
    h("button", { type: "button", class: "quiet small", "aria-pressed": "false", onclick: () => flip(filter) }, name))));
  const form = h("form", { class: "filters", role: "search", "aria-label": "Filter the pictures", onsubmit: (event) => event.preventDefault(), onchange: () => changed(read()) },
    filters.map((name) => h("div", { class: "field" }, h("label", { for: `f-${name}` }, names[name]), fields[name])), cameras, labels,
    h("p", { id: "f-utc", class: "visually-hidden" }, "Days of the upload, in UTC"));
  const panel = h("details", { class: "filterpanel", open: matchMedia("(min-width: 60rem)").matches },
    h("summary", {}, icon("filter"), "Filters"), form);
  let current = {};

  function read() {
    const given = Object.fromEntries(filters.map((name) => [name, fields[name].value.trim()]).filter(([, value]) => value));
    if (!given.predicted || given.min_probability === "0") delete given.min_probability;
    return given;
  }

  const active = (filter) => Object.entries(filter).every(([name, value]) => current[name] === value);

  // flip sets a quick filter beside the others, or takes it away.
  function flip(filter) {
    const without = Object.fromEntries(Object.entries(current).filter(([name]) => !(name in filter)));
    changed(active(filter) ? without : { ...current, ...filter });
  }

  function tellLeast() {
    const value = Number(least.value);
    const said = value === 0 ? "the likeliest label" : `at least ${percent(value)}`;
    least.title = said;
    least.setAttribute("aria-valuetext", said);
    form.querySelector(`[for="${least.id}"]`).textContent = value === 0 ? names.min_probability : `${names.min_probability} ≥ ${percent(value)}`;
  }

  // set shows a filter. It adds an option for a link that the list lacks.
  function set(filter) {
    current = filter;
    for (const name of filters) {
      const value = filter[name] ?? "";
      if (name === "link" && value && ![...link.options].some((option) => option.value === value)) {
        link.append(h("option", { value }, text(name, value, linkLabels)));
      }
      fields[name].value = name === "min_probability" ? value || "0" : value;
    }
    least.disabled = !filter.predicted;
    tellLeast();
    quick.forEach(([, pressed], i) => fast.children[i].firstChild.setAttribute("aria-pressed", String(active(pressed))));
    chips.set(filter);
  }

  async function suggest() {
    const [stats, known, used] = await Promise.all([
      live.stats ?? api.get("/v1/stats"), api.get("/v1/labels"), api.get("/v1/links?limit=500"),
    ]);
    cameras.replaceChildren(...stats.cameras.map(({ model }) => h("option", { value: model })));
    const inUse = new Set(known.labels.map(({ label }) => label));
    quick.forEach(([, filter], i) => { fast.children[i].hidden = !offered(filter, inUse); });
    labels.replaceChildren(...known.labels.slice(0, 500).map(({ label }) => h("option", { value: label })));
    for (const { id, label } of used.links) linkLabels.set(id, label ?? id);
    link.replaceChildren(link.options[0], ...used.links.map(({ id }) => h("option", { value: id }, text("link", id, linkLabels))));
    set(current);
  }
  suggest().catch(() => {}); // the fields work without suggestions

  return { element: h("div", {}, h("div", { class: "row filterrow" }, panel, fast), chips.element), set };
}
