// A picture's document as text.

import { flags } from "./chips.js";
import { h } from "./dom.js";
import { bytes, captured, coordinates, count, countOf, exposureTime, formatName, moment, percent, round } from "./format.js";
import { map } from "./map.js";
import { format } from "./route.js";

// details returns the sections of a picture's document, without its labels.
export function details(doc) {
  return [
    section("Taken", facts([
      ["When", doc.captured_at && captured(doc.captured_at, doc.captured_at_offset)],
      ["Camera", doc.camera.name && h("a", { href: format({ view: "gallery", filter: { camera: doc.camera.name } }) }, doc.camera.name)],
      ["As written", written(doc.camera)],
      ["Lens", doc.camera.lens],
      ["Exposure", exposure(doc.exposure)],
      ["Software", doc.software],
    ], "The file has no such metadata.")),
    doc.location && section("Where", map(doc.location), h("p", {},
      h("a", { href: `geo:${doc.location.latitude},${doc.location.longitude}` }, coordinates(doc.location)),
      doc.location.altitude !== null && h("span", { class: "muted" }, `, ${round(doc.location.altitude, 0)} m`))),
    section("File", facts([
      ["Format", `${formatName(doc.format)}, ${count(doc.width)} × ${count(doc.height)} (${megapixels(doc)})`],
      ["Size", bytes(doc.bytes)],
      ["Received", `${moment(doc.uploaded_at)}, ${doc.uploads === 1 ? "once" : countOf(doc.uploads, "time")}`],
      ["Kind", doc.quality?.kind],
      ["Quality", doc.quality?.flags.length ? flagLinks(doc.quality.flags) : null],
      ["Measured", measured(doc.quality)],
      ["Id", code(doc.id)],
      ["SHA-256", code(doc.sha256)],
      ["Perceptual hash", doc.phash && code(doc.phash)],
    ])),
    tags(doc.exif),
  ];
}

function section(title, ...content) {
  return h("section", {}, h("h3", {}, title), content);
}

// facts lists the rows that have a value, or shows none.
function facts(rows, none = "") {
  const known = rows.filter(([, value]) => value);
  if (known.length === 0) return h("p", { class: "muted" }, none);
  return h("dl", { class: "facts" }, known.map(([name, value]) => h("div", {}, h("dt", {}, name), h("dd", {}, value))));
}

const code = (text) => h("code", {}, text);

function written({ name, make, model }) {
  const text = [make, model].filter(Boolean).join(" ");
  return text !== name && text;
}

const flagLinks = (found) => found.map((flag, i) => [i > 0 && ", ", h("a", { href: format({ view: "gallery", filter: { flag } }) }, flags[flag] ?? flag)]);

function measured(quality) {
  return ["sharpness", "exposure", "contrast", "clipped"].filter((name) => Number.isFinite(quality?.[name]))
    .map((name) => `${name} ${percent(quality[name])}`).join(", ");
}

function exposure({ time_s: time, f_number: f, iso, focal_mm: focal }) {
  return [time && exposureTime(time), f && `ƒ/${round(f, 1)}`, iso && `ISO ${count(iso)}`, focal && `${round(focal, 1)} mm`]
    .filter(Boolean).join(", ");
}

const megapixels = ({ width, height }) => {
  const million = (width * height) / 1e6;
  return million < 0.1 ? countOf(width * height, "pixel") : `${round(million, 1)} MP`;
};

// tags returns a table of the file's EXIF tags.
function tags(exif) {
  const all = Object.entries(exif ?? {}).sort(([a], [b]) => a.localeCompare(b));
  if (all.length === 0) return null;
  return h("details", { class: "tags" }, h("summary", {}, `All ${countOf(all.length, "EXIF tag")}`),
    h("table", {},
      h("caption", { class: "visually-hidden" }, "EXIF tags"),
      h("thead", { class: "visually-hidden" }, h("tr", {}, h("th", { scope: "col" }, "Tag"), h("th", { scope: "col" }, "Value"))),
      h("tbody", {}, all.map(([name, value]) => h("tr", {}, h("th", { scope: "row" }, name), h("td", {}, tagText(value)))))));
}

// tagText formats a value on one line, cut after 400 characters.
function tagText(value) {
  const text = Array.isArray(value) ? value.map(tagText).join(", ") : typeof value === "object" ? JSON.stringify(value) : String(value);
  return text.length > 400 ? `${text.slice(0, 400)}… (${countOf(text.length, "character")})` : text;
}
