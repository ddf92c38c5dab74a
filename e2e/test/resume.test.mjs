import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import path from "node:path";
import { test } from "node:test";
import { bmp, sha256 } from "../lib/pictures.mjs";
import { stage } from "../lib/stage.mjs";
import { UploadPage } from "../lib/upload-page.mjs";

// The page sends large files in pieces of 8 MiB. It may send the interrupted piece
// twice.
const piece = 8 << 20;

test("an upload continues after a broken connection and a reload", async (t) => {
  const { service, proxy, browser, origin } = await stage(t, { browser: true, proxy: true });
  const link = await service.createLink();
  const visitor = await browser.visitor("phone", origin);
  visitor.expect(/net::ERR_(CONNECTION_RESET|EMPTY_RESPONSE|CONNECTION_CLOSED|SOCKET_NOT_CONNECTED)/);
  const tab = await visitor.page();
  let page = await UploadPage.open(tab, link);
  const picture = bmp("resumed", 4000, 3000);
  const file = path.join(service.dir, "large.bmp");
  await writeFile(file, picture);

  const before = proxy.received;
  const broken = proxy.cutAfter(20e6);
  await page.choose(file);
  await broken;
  proxy.down = true;
  proxy.cut();
  await tab.getByText("Waiting for the connection").first().waitFor();

  proxy.down = false;
  await tab.reload();
  page = new UploadPage(tab);
  await tab.getByRole("heading", { name: "1 upload was interrupted" }).waitFor();
  await tab.getByRole("button", { name: "Continue" }).click();
  await page.outcome("large.bmp", "Stored");
  await page.summary("Your picture has arrived");

  const sent = proxy.received - before;
  assert.ok(sent < picture.length + piece + 1e6, `${sent} bytes were sent of a file of ${picture.length}`);
  t.diagnostic(`${((sent - picture.length) / 1e6).toFixed(1)} MB of ${picture.length / 1e6} MB were sent twice`);
  const { images } = await service.ask("GET", "/v1/images");
  assert.equal(images.length, 1);
  assert.equal(images[0].sha256, sha256(picture));
});
