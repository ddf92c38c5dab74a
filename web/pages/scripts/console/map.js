// A map of a picture's position. The service itself serves the outline of the world,
// so no one else learns the position.

import { h, icon, svg } from "./dom.js";
import { coordinates } from "./format.js";
import { outline } from "./topo.js";

const WORLD = 360;
const NEAREST = 12; // degrees; the outline has no finer detail
const SHAPE = 1.8; // ratio of width to height

let land = null; // the outline, fetched once

function fetchLand() {
  land ??= fetch(new URL("../vendor/world-atlas/countries-110m.json", import.meta.url))
    .then((response) => response.json())
    .then((topology) => outline(topology, "countries"));
  land.catch(() => { land = null; });
  return land;
}

// map shows a position, with buttons that zoom.
export function map(position) {
  const { latitude, longitude } = position;
  const ground = svg("path", { class: "land" });
  const ring = svg("circle", { class: "ring", cx: longitude, cy: -latitude });
  const dot = svg("circle", { class: "pin", cx: longitude, cy: -latitude });
  const drawing = svg("svg", { role: "img", "aria-label": `Map: ${coordinates(position)}` }, ground, ring, dot);
  const nearer = h("button", { type: "button", "aria-label": "Zoom in", onclick: () => zoom(span / 2.5) }, icon("plus"));
  const farther = h("button", { type: "button", "aria-label": "Zoom out", onclick: () => zoom(span * 2.5) }, icon("minus"));
  let span = 0;

  function zoom(degrees) {
    span = Math.min(WORLD, Math.max(NEAREST, degrees));
    const height = span / SHAPE;
    // The view never crosses the edge of the world.
    const x = Math.min(180 - span, Math.max(-180, longitude - span / 2));
    const y = Math.min(90 - height, Math.max(-90, -latitude - height / 2));
    drawing.setAttribute("viewBox", `${x} ${span === WORLD ? -height / 2 : y} ${span} ${height}`);
    ring.setAttribute("r", span / 32);
    dot.setAttribute("r", span / 90);
    nearer.disabled = span <= NEAREST;
    farther.disabled = span >= WORLD;
  }
  zoom(75);
  fetchLand().then((path) => ground.setAttribute("d", path), () => drawing.classList.add("bare"));
  return h("figure", { class: "map" }, h("div", { class: "zoom" }, nearer, farther), drawing);
}
