// 500 photos dropped at once: all arrive, no task takes over 200 ms, and the tab's
// memory stays within bounds. It takes some minutes and 3 GB of disk. Its times are
// meaningful only on a quiet machine.
import assert from "node:assert/strict";
import { availableParallelism, loadavg } from "node:os";
import { test } from "node:test";
import { photos } from "../lib/photos.mjs";
import { stage } from "../lib/stage.mjs";
import { Strain } from "../lib/strain.mjs";
import { UploadPage } from "../lib/upload-page.mjs";

const count = Number(process.env.PHOTOS ?? 500);

test(`${count} photos dropped at once`, async (t) => {
  const { service, browser, origin } = await stage(t, { browser: true });
  const files = await photos(browser, count);
  const link = await service.createLink();
  const tab = await (await browser.visitor("desktop", origin)).page();
  const strain = await Strain.watch(browser, tab);
  const page = await UploadPage.open(tab, link);

  const started = performance.now();
  await page.drop(files);
  await page.summary(`All ${count} pictures have arrived`, 30 * 60_000);
  const seconds = (performance.now() - started) / 1000;
  const { tasks, heap, nodes, renderer } = await strain.end();
  const { uploads, images } = await service.stats();

  const mb = (bytes) => `${Math.round(bytes / 1e6)} MB`;
  const longest = (by) => tasks.toSorted((a, b) => b[by] - a[by]);
  const [slowest] = longest("processor");
  t.diagnostic(`load of the machine ${loadavg().map((load) => load.toFixed(1))} on ${availableParallelism()} cores`);
  t.diagnostic(`${uploads.stored} photos, ${mb(images.bytes)}, in ${seconds.toFixed(0)} s`);
  t.diagnostic(`at most ${mb(heap)} of JavaScript, ${nodes} nodes, ${mb(renderer)} of the tab's process`);
  for (const by of ["wall", "processor"]) {
    t.diagnostic(`tasks over 50 ms by ${by} time: ${tasks.filter((task) => task[by] > 50).length}; the longest:`);
    for (const task of longest(by).slice(0, 5)) {
      t.diagnostic(`  ${Math.round(task.wall)} ms, of the processor ${Math.round(task.processor)} ms: ${task.what.slice(0, 4).join(", ")}`);
    }
  }
  assert.equal(uploads.accepted, count);
  assert.ok(slowest.processor <= 200, `a task took ${slowest.processor} ms of the processor`);
  assert.ok(renderer < 500e6, `the tab took ${mb(renderer)}`);
});
