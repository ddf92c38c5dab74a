// The bytes of the pages on the wire, headers included, and the round trips before
// they are usable.
import assert from "node:assert/strict";
import { test } from "node:test";
import { Console } from "../lib/console.mjs";
import { file, png } from "../lib/pictures.mjs";
import { stage } from "../lib/stage.mjs";
import { UploadPage } from "../lib/upload-page.mjs";

const heaviest = 200e3; // bytes

test("the upload page is light, and usable one round trip after its HTML", async (t) => {
  const { service, proxy, browser, origin } = await stage(t, { browser: true, proxy: true });
  const link = await service.createLink();
  const tab = await (await browser.visitor("phone", origin)).page();
  const loads = await watch(tab);
  const page = await UploadPage.open(tab, link);
  firstWave(t, loads, proxy);

  // The page loads more once it has a file to send.
  await page.choose(file("a.png", png("a")));
  await page.summary("Your picture has arrived");
  weigh(t, "with all that it loads later", proxy);
});

test("the console is light, and usable one round trip after its HTML", async (t) => {
  const { service, proxy, browser, origin } = await stage(t, { browser: true, proxy: true });
  const tab = await (await browser.visitor("desktop", origin)).page();
  const loads = await watch(tab);
  const console = await Console.open(tab, { address: proxy.address });
  firstWave(t, loads, proxy);

  await console.signIn(service);
  await console.figure("Pictures", "0");
  await console.go("Gallery");
  await tab.getByRole("heading", { name: "There are no pictures yet" }).waitFor();
  await console.makeLink({ label: "Wedding", expires: "7 days", files: 100 });
  await tab.getByRole("img", { name: "QR code of the link" }).evaluate((img) => img.decode());
  weigh(t, "with all of its sections", proxy);
});

/** watch records the requests of a tab and their initiators. */
async function watch(tab) {
  const loads = [];
  const devtools = await tab.context().newCDPSession(tab);
  await devtools.send("Network.enable");
  devtools.on("Network.requestWillBeSent", ({ request: { url }, initiator }) => {
    if (!url.startsWith("data:")) loads.push({ url, by: initiator.type, from: initiator.url });
  });
  return loads;
}

/** firstWave asserts that the HTML names everything that a page needs to be usable. */
function firstWave(t, [html, ...rest], proxy) {
  t.diagnostic(`usable after the HTML and ${rest.length} requests in one wave`);
  // The browser itself requests the icon.
  const later = rest.filter(({ by, from = html.url }) => by === "script" || from !== html.url);
  assert.deepEqual(later, [], "asked for later than by the HTML");
  const scripts = rest.filter(({ url }) => new URL(url).pathname.endsWith(".js"));
  assert.equal(scripts.length, 1, scripts.map(({ url }) => url).join("\n"));
  weigh(t, "usable", proxy);
}

function weigh(t, when, { returned }) {
  t.diagnostic(`${when}: ${(returned / 1e3).toFixed(1)} kB`);
  assert.ok(returned < heaviest, `${when}, it weighs ${returned} bytes`);
}
