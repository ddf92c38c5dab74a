// Makes elements. Values from the API become text nodes or attribute values; nothing
// here parses HTML.

const SVG = "http://www.w3.org/2000/svg";

// h makes an HTML element. An attribute "on…" is a listener; true sets an attribute
// without a value; null, undefined and false omit it. Children are elements, texts,
// lists of them, null, undefined or false.
export function h(name, attributes = {}, ...children) {
  return fill(document.createElement(name), attributes, children);
}

// svg makes an SVG element, as h does.
export function svg(name, attributes = {}, ...children) {
  return fill(document.createElementNS(SVG, name), attributes, children);
}

function fill(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else element.setAttribute(name, value === true ? "" : String(value));
  }
  element.append(...children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== false));
  return element;
}

// swap replaces the children, and keeps the focus on the link that had it.
export function swap(parent, ...children) {
  const focused = parent.contains(document.activeElement) ? document.activeElement.getAttribute("href") : null;
  parent.replaceChildren(...children.flat(Infinity));
  if (focused !== null) parent.querySelector(`[href="${CSS.escape(focused)}"]`)?.focus({ preventScroll: true });
}

// icon draws one of icons, hidden from screen readers.
export function icon(name) {
  return svg("svg", { class: "icon", viewBox: "0 0 24 24", "aria-hidden": "true" },
    svg("path", { d: icons[name] }));
}

const icons = {
  overview: "M4 20V11m5.3 9V4m5.4 16v-7M20 20V8",
  gallery: "M4 5h16v14H4zM4 16l4.5-4.5 3.5 3.5 3-3 5 4.5M15.5 9.5h.01",
  links: "M10 14a4 4 0 0 0 5.7 0l3-3A4 4 0 0 0 13 5.3l-1 1M14 10a4 4 0 0 0-5.7 0l-3 3A4 4 0 0 0 11 18.7l1-1",
  label: "M4 4h8l8 8-8 8-8-8zM8.5 8.5h.01",
  models: "M5 6h4v4H5zM15 4h4v4h-4zM15 16h4v4h-4zM9 8h3m0 0l3-2m-3 2v10h3",
  jobs: "M4 7h10M4 12h16M4 17h7M18 5v4M15 15v4",
  undo: "M8 5L4 9l4 4M4 9h10a5 5 0 0 1 0 10h-3",
  keys: "M3 7h18v10H3zM7 10.5h.01M11 10.5h.01M15 10.5h.01M8 14h8",
  check: "M5 12.5l4.5 4.5L19 7",
  train: "M7 5l11 7-11 7z",
  retry: "M19 12a7 7 0 1 1-2-5M17 3v4h-4",
  out: "M14 4h5v16h-5M10 8l-4 4 4 4M6 12h9",
  copy: "M9 9h10v11H9zM15 9V4H5v11h4",
  share: "M12 15V4M8 8l4-4 4 4M5 13v6h14v-6",
  print: "M7 9V4h10v5M7 17H4v-8h16v8h-3M7 14h10v6H7z",
  download: "M12 4v11M8 11l4 4 4-4M5 20h14",
  table: "M4 5h16v14H4zM4 10h16M4 14.5h16M10 5v14",
  close: "M6 6l12 12M18 6L6 18",
  previous: "M15 5l-7 7 7 7",
  next: "M9 5l7 7-7 7",
  trash: "M5 7h14M10 7V4h4v3M7 7l1 13h8l1-13M10.5 11v5.5M13.5 11v5.5",
  filter: "M4 6h16M7 12h10M10 18h4",
  plus: "M12 5v14M5 12h14",
  minus: "M5 12h14",
  compare: "M12 4v16M4 6h5v12H4M20 6h-5v12h5",
};
