import assert from "node:assert/strict";
import test from "node:test";
import { localize } from "../scripts/upload/locale.js";

const texts = {
  "files": { one: "{count} Datei", other: "{count} Dateien" },
  "amount": { other: "{done} von {all}" },
  "time.seconds": { one: "{count} Sekunde", other: "{count} Sekunden" },
  "time.minutes": { one: "{count} Minute", other: "{count} Minuten" },
  "time.hours": { one: "{count} Stunde", other: "{count} Stunden" },
  "time.days": { one: "{count} Tag", other: "{count} Tage" },
};
const de = localize("de", texts);

test("arguments, plurals and numbers", () => {
  assert.equal(de.text("files", { count: 1 }), "1 Datei");
  assert.equal(de.text("files", { count: 1234 }), "1.234 Dateien");
  assert.equal(de.text("amount", { done: "{all}", all: "<b>" }), "{all} von <b>");
  assert.equal(de.text("missing"), "missing");
});

test("sizes as the service formats them", () => {
  assert.deepEqual([0, 999, 3.4e6, 67108864, 999.9e9].map(de.size).map((s) => s.replace("\u00a0", " ")),
    ["0 B", "999 B", "3,4 MB", "67 MB", "1.000 GB"]);
});

test("times in their largest unit", () => {
  assert.deepEqual([-5, 1000, 119e3, 120e3, 7200e3, 3 * 86400e3].map(de.span),
    ["0 Sekunden", "1 Sekunde", "119 Sekunden", "2 Minuten", "2 Stunden", "3 Tage"]);
});
