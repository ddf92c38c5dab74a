// Where a picture was taken, on an outline of the world that is served from here:
// nobody else learns which place was looked at.

import { h, icon, svg } from "./dom.js";
import { coordinates } from "./format.js";
import { outline } from "./topo.js";

const WORLD = 360;
const NEAREST = 12; // degrees; the outlines have no more to show
const SHAPE = 1.8; // width to height

let land = null; // the outline, fetched once

function fetchLand() {
  land ??= fetch(new URL("../vendor/world-atlas/countries-110m.json", import.meta.url))
    .then((response) => response.json())
    .then((topology) => outline(topology, "countries"));
  land.catch(() => { land = null; });
  return land;
}

// map shows a place, which can be looked at from nearer and farther.
export function map(place) {
  const { latitude, longitude } = place;
  const ground = svg("path", { class: "land" });
  const ring = svg("circle", { class: "ring", cx: longitude, cy: -latitude });
  const dot = svg("circle", { class: "pin", cx: longitude, cy: -latitude });
  const drawing = svg("svg", { role: "img", "aria-label": `Map: ${coordinates(place)}` }, ground, ring, dot);
  const nearer = h("button", { type: "button", "aria-label": "Look from nearer", onclick: () => look(span / 2.5) }, icon("plus"));
  const farther = h("button", { type: "button", "aria-label": "Look from farther", onclick: () => look(span * 2.5) }, icon("minus"));
  let span = 0;

  function look(degrees) {
    span = Math.min(WORLD, Math.max(NEAREST, degrees));
    const height = span / SHAPE;
    // The world's edge is not moved into the picture.
    const x = Math.min(180 - span, Math.max(-180, longitude - span / 2));
    const y = Math.min(90 - height, Math.max(-90, -latitude - height / 2));
    drawing.setAttribute("viewBox", `${x} ${span === WORLD ? -height / 2 : y} ${span} ${height}`);
    ring.setAttribute("r", span / 32);
    dot.setAttribute("r", span / 90);
    nearer.disabled = span <= NEAREST;
    farther.disabled = span >= WORLD;
  }
  look(75);
  fetchLand().then((path) => ground.setAttribute("d", path), () => drawing.classList.add("bare"));
  return h("figure", { class: "map" }, h("div", { class: "zoom" }, nearer, farther), drawing);
}
