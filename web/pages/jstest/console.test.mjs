// Tests of the console's modules that need no page.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import test from "node:test";

import { ago, bytes, captured, coordinates, countOf, exposureTime, share } from "../scripts/console/format.js";
import { layout, shape, visible } from "../scripts/console/layout.js";
import { lifetime, spec } from "../scripts/console/linkspec.js";
import { wait } from "../scripts/console/live.js";
import { Made, merge, state } from "../scripts/console/made.js";
import { arrivals } from "../scripts/console/recent.js";
import { apiFilter, format, parse, same } from "../scripts/console/route.js";
import { every, stack, sums, ticks } from "../scripts/console/scale.js";
import { Session } from "../scripts/console/session.js";
import { parser } from "../scripts/console/sse.js";
import { outline } from "../scripts/console/topo.js";

// storage returns the part of a browser's Storage that the modules use.
function storage() {
  const object = {};
  const hidden = (value) => ({ value, enumerable: false });
  return Object.defineProperties(object, {
    getItem: hidden((key) => (Object.hasOwn(object, key) ? object[key] : null)),
    setItem: hidden((key, value) => { object[key] = String(value); }),
    removeItem: hidden((key) => { delete object[key]; }),
  });
}

test("the parser accepts a stream in pieces of any size", () => {
  const text = ": hello\r\nretry: 2000\n\nevent: stats\ndata: {\"a\":1}\n\n:\n\nevent:upload\r\ndata: one\r\ndata:two\r\n\r\ndata: last\n\nevent: none\n\ndata: begun";
  const want = [["stats", '{"a":1}'], ["upload", "one\ntwo"], ["message", "last"]];
  for (let size = 1; size <= text.length; size++) {
    const got = [];
    const read = parser((name, data) => got.push([name, data]));
    for (let i = 0; i < text.length; i += size) read(text.slice(i, i + size));
    assert.deepEqual(got, want, `in pieces of ${size}`);
  }
});

test("the wait before an attempt has jitter and a maximum", () => {
  assert.equal(wait(0, 0), 500);
  assert.equal(wait(0, 1), 1000);
  assert.equal(wait(3, 1), 8000);
  assert.equal(wait(50, 1), 30000);
});

test("routes are parsed and formatted", () => {
  for (const [fragment, route] of [
    ["", { view: "overview", picture: null, filter: {} }],
    ["#/", { view: "overview", picture: null, filter: {} }],
    ["#/nowhere?camera=x", { view: "overview", picture: null, filter: {} }],
    ["#/links", { view: "links", picture: null, filter: {} }],
    ["#/gallery", { view: "gallery", picture: null, filter: {} }],
    ["#/gallery?camera=A%26B+C&label=%3Cb%3E&other=1&to=", { view: "gallery", picture: null, filter: { camera: "A&B C", label: "<b>" } }],
    ["#/gallery/01a2?format=png", { view: "gallery", picture: "01a2", filter: { format: "png" } }],
    ["#/gallery/%zz", { view: "gallery", picture: null, filter: {} }],
  ]) {
    assert.deepEqual(parse(fragment), route, fragment);
    assert.deepEqual(parse(format(route)), route, `${fragment} and back`);
  }
});

test("a filter includes its last day", () => {
  assert.deepEqual(apiFilter({ from: "2026-02-01", to: "2026-02-28", camera: "x" }), { from: "2026-02-01", to: "2026-03-01", camera: "x" });
  assert.deepEqual(apiFilter({ to: "2026-02-28T10:00:00Z" }), { to: "2026-02-28T10:00:00Z" });
  assert.ok(same({ camera: "x", label: "" }, { camera: "x" }));
  assert.ok(!same({ camera: "x" }, { label: "x" }));
});

test("the form of a new link becomes the API's request", () => {
  const now = Date.parse("2026-03-01T12:00:00Z");
  const form = { label: "", expiry: "7d", expiresAt: "", notBefore: "", maxFiles: "", maxSize: "", unit: "GB" };
  assert.deepEqual(spec(form, now), { spec: { expires_in: "7d" } });
  assert.deepEqual(spec({ ...form, label: " Party ", maxFiles: "5", maxSize: "2.5", unit: "MB" }, now),
    { spec: { expires_in: "7d", label: "Party", max_files: 5, max_bytes: 2500000 } });
  assert.deepEqual(spec({ ...form, expiry: "exact", expiresAt: "2026-03-02T00:00:00Z", notBefore: "2026-03-01T20:00:00Z" }, now),
    { spec: { expires_at: "2026-03-02T00:00:00.000Z", not_before: "2026-03-01T20:00:00.000Z" } });
  for (const [change, field] of [
    [{ label: "x".repeat(201) }, "label"], [{ expiry: "exact" }, "expiresAt"], [{ expiry: "exact", expiresAt: "2026-03-01T11:00:00Z" }, "expiresAt"],
    [{ expiry: "exact", expiresAt: "2028-03-01T11:00:00Z" }, "expiresAt"], [{ notBefore: "2026-04-01T11:00:00Z" }, "notBefore"],
    [{ maxFiles: "0" }, "maxFiles"], [{ maxFiles: "1.5" }, "maxFiles"], [{ maxSize: "-1" }, "maxSize"], [{ maxSize: "1e30" }, "maxSize"],
  ]) assert.equal(spec({ ...form, ...change }, now).field, field, JSON.stringify(change));
  assert.equal(lifetime("1h"), 3600000);
});

test("the list joins this tab's links and recorded ones", () => {
  const made = new Made(storage());
  made.add({ id: "a", label: null, expires_at: "2026-03-02T00:00:00Z" });
  made.add({ id: "b", label: "B", expires_at: "2026-03-02T00:00:00Z", not_before: "2026-03-01T18:00:00Z" });
  made.update("a", { revoked: true });
  const used = [{ id: "c", label: "C", last_used_at: "2026-03-01T00:00:00Z", files: 3, bytes: 9, revoked: false },
    { id: "a", label: null, last_used_at: null, files: 0, bytes: 0, revoked: true }];
  const all = merge(made.list(), used);
  assert.deepEqual(all.map(({ id }) => id), ["b", "c", "a"]);
  const at = Date.parse("2026-03-01T12:00:00Z");
  assert.deepEqual(all.map((link) => state(link, at)), ["not yet good", "in use", "revoked"]);
  assert.equal(state(all[0], at + 86400000), "expired");
  const broken = storage();
  broken.setItem("inlet.console.links", "{");
  assert.deepEqual(new Made(broken).list(), []);
});

test("ending a session removes everything of the console", () => {
  const stored = storage();
  stored.setItem("other", "1");
  const session = new Session(stored);
  let reason;
  session.addEventListener("end", (event) => { reason = event.detail; });
  session.begin("secret");
  new Made(stored).add({ id: "a" });
  session.end("why");
  assert.deepEqual([session.token, reason, Object.keys(stored)], [null, "why", ["other"]]);
});

test("rows fill the width, and visible finds those on the screen", () => {
  const pictures = Array.from({ length: 1000 }, (_, i) => ({ width: 300 + ((i * 7919) % 900), height: 300 + ((i * 104729) % 500) }));
  const { rows, height } = layout(pictures, { width: 1000, wanted: 190, gap: 6 });
  let next = 0;
  rows.forEach((row, i) => {
    assert.equal(row.first, next);
    next += row.widths.length;
    if (i === rows.length - 1) return;
    assert.ok(Math.abs(row.widths.reduce((a, b) => a + b) + 6 * (row.widths.length - 1) - 1000) < 0.01);
    assert.ok(row.height <= 190 && Math.abs(rows[i + 1].top - row.top - row.height - 6) < 0.01);
  });
  assert.equal(next, 1000);
  const [first, end] = visible(rows, 5000, 6000);
  rows.forEach((row, i) => assert.equal(i >= first && i < end, row.top + row.height >= 5000 && row.top <= 6000, `row ${i}`));
  assert.deepEqual(visible(rows, height + 1, height + 2), [rows.length, rows.length]);
  assert.deepEqual(layout([], { width: 10, wanted: 5, gap: 1 }), { rows: [], height: 0 });
  assert.equal(shape({ width: 10000, height: 1 }), 2.4);
});

test("ticks are whole numbers up to the largest value", () => {
  for (const [largest, want] of [[0, [0, 1]], [1, [0, 1]], [3, [0, 1, 2, 3]], [7, [0, 2, 4, 6, 8]], [100, [0, 50, 100]], [12345, [0, 5000, 10000, 15000]]]) {
    assert.deepEqual(ticks(largest), want, String(largest));
  }
});

test("sizes, times, positions and shares are formatted", () => {
  assert.deepEqual([0, 999, 1000, 1234567, 12345678, 999999999].map(bytes), ["0 B", "999 B", "1.00 kB", "1.23 MB", "12.3 MB", "1.00 GB"]);
  assert.deepEqual([1 / 250, 0.5, 30].map(exposureTime), ["1/250 s", "0.5 s", "30 s"]);
  assert.equal(coordinates({ latitude: -33.86, longitude: 151.2 }), "33.86000° S, 151.20000° E");
  assert.equal(share(1, 1000), "<1%");
  assert.equal(countOf(1, "picture"), "1 picture");
  const now = Date.parse("2026-03-01T12:00:00Z");
  assert.equal(ago("2026-03-08T11:59:58Z", now), "in 7 days");
  assert.equal(ago("2026-03-01T11:00:00Z", now), "1 hour ago");
  assert.equal(ago("2026-03-01T11:59:50Z", now), "just now");
});

test("a camera's time is shown by its own clock", () => {
  const plain = (text) => text.replace(/\s/g, " "); // the space before AM differs
  assert.equal(plain(captured("2019-06-01T03:04:44Z", "+10:00")), "Jun 1, 2019, 1:04:44 PM (UTC+10:00)");
  assert.equal(plain(captured("2019-06-01T03:04:44Z", null)), "Jun 1, 2019, 3:04:44 AM");
});

test("the outline stays within one world on either side", async () => {
  const topology = JSON.parse(await readFile(new URL("../assets/vendor/world-atlas/countries-110m.json", import.meta.url)));
  const path = outline(topology, "countries");
  for (const ring of path.split("M").slice(1)) {
    const points = ring.replace("Z", "").split("L").map((p) => p.split(",").map(Number));
    points.forEach(([x, y], i) => {
      assert.ok(x >= -540 && x <= 540 && y >= -90 && y <= 90, `${x},${y}`);
      // Only the line that closes Antarctica crosses the map.
      if (i > 0) assert.ok(Math.abs(x - points[i - 1][0]) < 180 || y === 90, `${points[i - 1]} to ${x},${y}`);
    });
  }
});

test("columns stack their parts, and none is too small to be seen", () => {
  const bottom = (rects) => rects.map(({ top, height }) => [top, height]);
  assert.deepEqual(bottom(stack([0, 0, 0], 2)), [[0, 0], [0, 0], [0, 0]]);
  assert.deepEqual(bottom(stack([10, 0, 5], 2)), [[20, 20], [20, 0], [30, 8.5]]); // a gap of 1.5
  assert.deepEqual(bottom(stack([1, 5, 5], 1)), [[1, 1], [6, 5], [11, 3.5]]); // none beside what is low
  assert.deepEqual(bottom(stack([1, -3, 1], 0.001)), [[1, 1], [0.001, 0], [1, 1]]);
});

test("an axis has as many labels as there is room for", () => {
  assert.equal(every(28, [5, 10, 15], 64), 5);
  assert.equal(every(6.4, [5, 10, 15], 64), 15, "10 leave room to all but the last two");
  assert.equal(every(100, [1, 2], 64), 1);
  assert.equal(every(2.5, [5, 10, 15, 30, 60], 64), 60);
  assert.equal(every(0.1, [5, 10], 64), 10);
});

test("recent uploads are summed, and listed without empty minutes", () => {
  const spans = [{ at: 1, stored: 1, rejected: 0 }, { at: 2, stored: 0, rejected: 0 }, { at: 3, stored: 0, rejected: 2 }];
  assert.deepEqual(sums(spans, ["stored", "rejected"]), { stored: 1, rejected: 2 });
  assert.deepEqual(arrivals(spans, ["stored", "rejected"]).map(({ at }) => at), [3, 1]);
  assert.deepEqual(arrivals(spans, ["stored"]).map(({ at }) => at), [1]);
});
