// The console's routes. They are in the address's fragment, so reloading, going back
// and bookmarks work. Browsers do not send the fragment.

export const filters = ["camera", "format", "link", "label", "labelled", "predicted", "min_probability", "flag", "from", "to"];
const views = ["overview", "gallery", "label", "models", "jobs", "links"];
const withFilter = ["gallery", "label"];

// parse reads a fragment: #/gallery/<picture>?camera=…, #/label?order=newest&camera=…,
// #/models/<version>. Of the view label, order is "newest" or "" (the most uncertain).
export function parse(fragment) {
  const [path, query = ""] = fragment.replace(/^#?\/?/, "").split(/\?(.*)/s);
  const [name, part = ""] = path.split("/");
  const view = views.includes(name) ? name : "overview";
  const route = { view, picture: null, filter: {} };
  if (view === "models") route.version = decode(part) || null;
  if (!withFilter.includes(view)) return route;

  const given = new URLSearchParams(query);
  if (view === "gallery") route.picture = decode(part) || null;
  else route.order = given.get("order") === "newest" ? "newest" : "";
  for (const filter of filters) {
    const value = given.get(filter)?.trim();
    if (value) route.filter[filter] = value;
  }
  return route;
}

// format is the opposite of parse.
export function format({ view, picture = null, version = null, order = "", filter = {} }) {
  if (view === "overview") return "#/";
  const part = picture ?? version;
  const query = new URLSearchParams(order ? { order } : {});
  for (const name of filters) {
    if (filter[name]) query.set(name, filter[name]);
  }
  const text = query.toString();
  return `#/${view}${part ? "/" + encodeURIComponent(part) : ""}${text ? "?" + text : ""}`;
}

// apiFilter returns the filter for the API. The API excludes "to"; the console's "to"
// is the last day included. A threshold belongs to a predicted label.
export function apiFilter(filter) {
  const out = { ...filter };
  if (!filter.predicted) delete out.min_probability;
  if (isDay(filter.to)) out.to = new Date(Date.parse(filter.to + "T00:00:00Z") + 86400000).toISOString().slice(0, 10);
  return out;
}

export const isDay = (text) => /^\d{4}-\d\d-\d\d$/.test(text ?? "") && !Number.isNaN(Date.parse(text + "T00:00:00Z"));

// same reports whether two filters select the same pictures.
export const same = (a, b) => filters.every((name) => (a[name] ?? "") === (b[name] ?? ""));

function decode(text) {
  try {
    return decodeURIComponent(text);
  } catch {
    return "";
  }
}
