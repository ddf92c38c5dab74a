// Elements. What comes from the API is only ever a text node or the value of a
// plain attribute: nothing here reads HTML.

const SVG = "http://www.w3.org/2000/svg";

// h makes an element. An attribute that begins with "on" is a listener; true is
// an attribute without a value; null, undefined and false leave it out. Children
// are elements, texts, lists of them, or nothing.
export function h(name, attributes = {}, ...children) {
  return fill(document.createElement(name), attributes, children);
}

// svg is h for pictures.
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

// swap puts new children in the place of the old ones, and the focus back on the
// link that had it.
export function swap(parent, ...children) {
  const held = parent.contains(document.activeElement) ? document.activeElement.getAttribute("href") : null;
  parent.replaceChildren(...children.flat(Infinity));
  if (held !== null) parent.querySelector(`[href="${CSS.escape(held)}"]`)?.focus({ preventScroll: true });
}

// icon draws one of the line drawings below, for the eye alone.
export function icon(name) {
  return svg("svg", { class: "icon", viewBox: "0 0 24 24", "aria-hidden": "true" },
    svg("path", { d: icons[name] }));
}

const icons = {
  overview: "M4 20V11m5.3 9V4m5.4 16v-7M20 20V8",
  gallery: "M4 5h16v14H4zM4 16l4.5-4.5 3.5 3.5 3-3 5 4.5M15.5 9.5h.01",
  links: "M10 14a4 4 0 0 0 5.7 0l3-3A4 4 0 0 0 13 5.3l-1 1M14 10a4 4 0 0 0-5.7 0l-3 3A4 4 0 0 0 11 18.7l1-1",
  out: "M14 4h5v16h-5M10 8l-4 4 4 4M6 12h9",
  copy: "M9 9h10v11H9zM15 9V4H5v11h4",
  share: "M12 15V4M8 8l4-4 4 4M5 13v6h14v-6",
  print: "M7 9V4h10v5M7 17H4v-8h16v8h-3M7 14h10v6H7z",
  download: "M12 4v11M8 11l4 4 4-4M5 20h14",
  table: "M4 5h16v14H4zM4 10h16M4 14.5h16M10 5v14",
  chart: "M4 20V11m5.3 9V4m5.4 16v-7M20 20V8",
  close: "M6 6l12 12M18 6L6 18",
  previous: "M15 5l-7 7 7 7",
  next: "M9 5l7 7-7 7",
  trash: "M5 7h14M10 7V4h4v3M7 7l1 13h8l1-13M10.5 11v5.5M13.5 11v5.5",
  filter: "M4 6h16M7 12h10M10 18h4",
  plus: "M12 5v14M5 12h14",
  minus: "M5 12h14",
  place: "M12 21s6.5-6 6.5-11a6.5 6.5 0 0 0-13 0c0 5 6.5 11 6.5 11zM12 12.5a2.5 2.5 0 1 0 0-5 2.5 2.5 0 0 0 0 5z",
  compare: "M12 4v16M4 6h5v12H4M20 6h-5v12h5",
};
