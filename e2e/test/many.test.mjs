import assert from "node:assert/strict";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { test } from "node:test";
import { screenshot } from "../lib/browser.mjs";
import { png } from "../lib/pictures.mjs";
import { stage } from "../lib/stage.mjs";
import { UploadPage } from "../lib/upload-page.mjs";

// bars/many.test.mjs measures this with 500 photos.
const count = 60;

test("a folder dropped on the page arrives whole", async (t) => {
  const folder = await folderOfPictures(t);
  const { service, browser, origin } = await stage(t, { browser: true });
  const link = await service.createLink({ max_files: count + 5 });
  const tab = await (await browser.visitor("desktop", origin)).page();
  const page = await UploadPage.open(tab, link);

  await page.drop([folder]);
  await page.summary(`All ${count} pictures have arrived`);
  assert.equal(await page.pictures.getByRole("listitem").count(), count);
  await tab.getByText("room for 5 pictures").waitFor();
  const ids = (await tab.getByLabel("Ids of the pictures that have arrived").inputValue()).split("\n");
  assert.equal(new Set(ids).size, count);
  await screenshot(tab, "many-desktop");

  const stats = await service.stats();
  assert.deepEqual(stats.uploads, { accepted: count, stored: count, duplicates: 0, rejected: 0 });

  // The page does not send stored files again.
  await tab.reload();
  await page.ready();
  await page.drop([folder]);
  await page.summary(`All ${count} pictures have arrived`);
  await tab.getByText(`${count} were already there`).waitFor();
  assert.deepEqual((await service.stats()).uploads, stats.uploads);
});

/** folderOfPictures makes a folder with pictures, a folder inside, and a .DS_Store. */
async function folderOfPictures(t) {
  const folder = await mkdtemp(path.join(tmpdir(), "inlet-e2e-pictures-"));
  t.after(() => rm(folder, { recursive: true }));
  await mkdir(path.join(folder, "inner"));
  for (let i = 0; i < count; i++) {
    await writeFile(path.join(folder, i % 2 ? "inner" : "", `picture-${i}.png`), png(i));
  }
  await writeFile(path.join(folder, ".DS_Store"), "debris");
  return folder;
}
