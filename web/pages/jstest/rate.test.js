import assert from "node:assert/strict";
import test from "node:test";
import { coarse, Rate } from "../scripts/upload/rate.js";

test("a steady speed", () => {
  const rate = new Rate();
  rate.restart(0, 0);
  rate.note(1000, 1000);
  assert.equal(rate.perSecond, 0, "one second is no measure");
  for (let s = 2; s <= 10; s++) rate.note(1000 * s, 1000 * s);
  assert.ok(Math.abs(rate.perSecond - 1000) < 1, String(rate.perSecond));
  assert.ok(Math.abs(rate.timeFor(5000) - 5000) < 10);
});

test("a stalled second barely changes the speed, and lost bytes count as none sent", () => {
  const rate = new Rate();
  rate.restart(0, 0);
  for (let s = 1; s <= 20; s++) rate.note(1000 * s, 1000 * s);
  rate.note(20000, 21000);
  assert.ok(rate.perSecond > 800, String(rate.perSecond));
  rate.note(0, 22000);
  assert.ok(rate.perSecond > 600 && rate.perSecond < 1000, String(rate.perSecond));
});

test("measuring starts again after a pause", () => {
  const rate = new Rate();
  rate.restart(0, 0);
  for (let s = 1; s <= 5; s++) rate.note(1000 * s, 1000 * s);
  rate.restart(5000, 60e3);
  assert.equal(rate.perSecond, 0);
  assert.equal(rate.timeFor(100), 0);
});

test("the remaining time is rounded up", () => {
  assert.deepEqual([1, 4200, 31e3, 100e3, 610e3, 4000e3].map(coarse), [1e3, 5e3, 35e3, 100e3, 660e3, 4200e3]);
});
