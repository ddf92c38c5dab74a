// The overview: live figures.

import { barsPanel } from "./bars.js";
import { daysPanel } from "./days.js";
import { h } from "./dom.js";
import { bytes, count, formatName, share } from "./format.js";
import { latestPanel } from "./latest.js";
import { recentPanel } from "./recent.js";
import { format } from "./route.js";

// figures are the tiles at the top: a name, the figure, and a note on it.
const figures = [
  ["Pictures", (s) => count(s.images.stored), (s) => bytes(s.images.bytes)],
  ["Accepted", (s) => count(s.uploads.accepted), () => "uploads in total"],
  ["Duplicates", (s) => count(s.uploads.duplicates), (s) => `${share(s.uploads.duplicates, s.uploads.accepted)} of the accepted`],
  ["Refused", (s) => count(s.uploads.rejected), () => "not a picture, or too large"],
  ["Most popular format", (s) => s.most_popular_format ? formatName(s.most_popular_format) : "none yet",
    (s) => (s.formats.length ? `${share(s.formats[0].images, s.images.stored)} of the pictures` : "")],
];

export function overview(main, { api, live, thumbs }) {
  const tiles = figures.map(([name, figure, part]) => {
    const value = h("dd", { class: "figure" }, "–");
    const note = h("dd", { class: "muted small" });
    return { element: h("div", { class: "tile card" }, h("dt", {}, name), value, note), value, note, figure, part };
  });

  const recent = recentPanel();
  const days = daysPanel();
  const cameras = barsPanel({
    title: "Top cameras", column: "Camera", empty: "No picture names its camera yet.", whole: (s) => s.images.stored,
    rows: (s) => s.cameras.map(({ model, images }) => ({ name: model, images, href: format({ view: "gallery", filter: { camera: model } }) })),
  });
  const formats = barsPanel({
    title: "Formats", column: "Format", empty: "There are no pictures yet.", whole: (s) => s.images.stored,
    rows: (s) => s.formats.map((f) => ({ name: formatName(f.format), images: f.images, href: format({ view: "gallery", filter: { format: f.format } }) })),
  });
  const latest = latestPanel({ api, live, thumbs });

  const failed = h("p", { class: "notice bad", role: "alert", hidden: true });
  main.replaceChildren(
    h("h1", { class: "visually-hidden" }, "Overview"), failed,
    h("dl", { class: "tiles" }, tiles.map((tile) => tile.element)),
    h("div", { class: "panels" }, recent.element, days.element, latest.element, cameras.element, formats.element));

  function show(stats) {
    failed.hidden = true;
    for (const { value, note, figure, part } of tiles) {
      value.textContent = figure(stats);
      note.textContent = part(stats);
    }
    for (const part of [recent, days, cameras, formats]) part.update(stats);
  }

  const over = new AbortController();
  live.addEventListener("stats", (event) => show(event.detail), { signal: over.signal });
  if (live.stats) show(live.stats);
  else {
    // A proxy may delay the feed.
    api.get("/v1/stats", { signal: over.signal }).then((stats) => show(live.stats ?? stats), (problem) => {
      if (problem.name === "AbortError") return;
      failed.textContent = `The figures could not be loaded: ${problem.message}`;
      failed.hidden = false;
    });
  }

  return {
    close() {
      over.abort();
      recent.close();
      days.close();
      latest.close();
    },
  };
}
