// Checks every page with axe on a phone and a desktop, light and dark, and saves
// screenshots of it.
import assert from "node:assert/strict";
import { test } from "node:test";
import { accessible } from "../lib/axe.mjs";
import { answered, screens } from "../lib/browser.mjs";
import { Console } from "../lib/console.mjs";
import { bmp, file, png, tenPictures } from "../lib/pictures.mjs";
import { stage } from "../lib/stage.mjs";
import { UploadPage } from "../lib/upload-page.mjs";

for (const screen of screens) {
  test(`the console is accessible on a ${screen}`, async (t) => {
    const { service, browser, origin } = await stage(t, { browser: true });
    const link = await service.createLink({ label: "Summer party" });
    await service.send(link, [...tenPictures(), file("placed.png", png("placed", 256, 192, photographed))]);
    const visitor = await browser.visitor(screen, origin);
    visitor.expect(answered(503)); // pictures not decoded yet
    const tab = await visitor.page();
    const console = await Console.open(tab, service);
    await accessible(tab, `console-sign-in-${screen}`);
    await console.signIn(service);
    await console.figure("Pictures", "11");
    await console.loaded(11);
    await accessible(tab, `console-overview-${screen}`);
    for (const table of await tab.getByRole("button", { name: "Table" }).all()) await table.click();
    await accessible(tab, `console-tables-${screen}`);

    await console.go("Gallery");
    const wall = await console.loaded(11);
    await accessible(tab, `console-gallery-${screen}`);
    await wall.first().getByRole("link").click();
    const dialog = tab.getByRole("dialog");
    await dialog.getByRole("img", { name: /^Map/ }).locator("path[d]").waitFor({ state: "attached" });
    await dialog.locator("[data-state=ready]").first().waitFor();
    await accessible(tab, `console-picture-${screen}`);
    await dialog.getByRole("button", { name: "Close" }).click();
    await dialog.waitFor({ state: "detached" });

    await console.makeLink({ label: "Wedding", expires: "7 days", files: 100 });
    await tab.getByRole("img", { name: "QR code of the link" }).evaluate((img) => img.decode());
    await accessible(tab, `console-links-${screen}`);
    await tab.getByRole("button", { name: "Poster" }).click();
    await dialog.getByRole("img", { name: "QR code of the link" }).evaluate((img) => img.decode());
    await accessible(tab, `console-poster-${screen}`);
    await dialog.getByRole("button", { name: "Close" }).click();
    await tab.getByRole("button", { name: "Revoke Wedding" }).click();
    await dialog.getByRole("button", { name: "Revoke" }).waitFor();
    await accessible(tab, `console-revoke-${screen}`);
  });

  test(`the upload page is accessible on a ${screen}`, async (t) => {
    const { service, proxy, browser, origin } = await stage(t, { browser: true, proxy: true });
    const link = await service.createLink({ label: "Summer party", max_files: 20 });
    const visitor = await browser.visitor(screen, origin);
    visitor.expect(answered(415));
    const tab = await visitor.page();
    const page = await UploadPage.open(tab, link);
    await accessible(tab, `upload-empty-${screen}`);
    proxy.rate = 300_000;
    await page.choose([...tenPictures(), file("notes.txt", "no picture"), file("large.bmp", bmp("large", 2000, 2000))]);
    await tab.getByText(/Sending, [1-9]/).first().waitFor();
    await accessible(tab, `upload-sending-${screen}`);
    proxy.rate = Infinity;
    await page.summary("11 of 12 have arrived");
    await accessible(tab, `upload-done-${screen}`);
  });

  test(`the pages of refusal are accessible on a ${screen}`, async (t) => {
    const { service, browser, origin } = await stage(t, { browser: true });
    const links = await refusedLinks(service);
    const visitor = await browser.visitor(screen, origin);
    visitor.expect(answered(403), answered(410));
    const tab = await visitor.page();
    for (const [name, { url, status, title }] of Object.entries(links)) {
      const answer = await tab.goto(url);
      assert.equal(answer.status(), status, name);
      await tab.getByRole("heading", { name: title, level: 1 }).waitFor();
      assert.equal(await tab.locator("form, input, button").count(), 0, `${name}: there is nothing to send with`);
      await accessible(tab, `refused-${name}-${screen}`);
    }
  });
}

const photographed = { make: "Canon", model: "Canon EOS 40D", latitude: 46.5, longitude: 7.75 };

/** refusedLinks makes one link of each kind that the service refuses. */
async function refusedLinks(service) {
  const [expired, revoked, exhausted, early] = await Promise.all([
    service.createLink({ expires_in: "1s" }),
    service.createLink(),
    service.createLink({ max_files: 1 }),
    service.createLink({ not_before: new Date(Date.now() + 600_000).toISOString() }),
  ]);
  await service.ask("DELETE", `/v1/links/${revoked.id}`);
  await service.send(exhausted, [file("a.png", png("the only one"))]);
  await service.until(async () => (await fetch(expired.url)).status === 410);
  return {
    expired: { url: expired.url, status: 410, title: "This link has expired" },
    revoked: { url: revoked.url, status: 410, title: "This link has been closed" },
    "used-up": { url: exhausted.url, status: 410, title: "This link is used up" },
    early: { url: early.url, status: 403, title: "This link is not open yet" },
    broken: { url: expired.url.slice(0, -20), status: 403, title: "This link is not complete" },
  };
}
