import assert from "node:assert/strict";
import { test } from "node:test";
import { screenshot } from "../lib/browser.mjs";
import { file, png } from "../lib/pictures.mjs";
import { stage } from "../lib/stage.mjs";

test("without scripts the form sends pictures and shows their outcomes", async (t) => {
  const { service, browser, origin } = await stage(t, { browser: true });
  const link = await service.createLink({ label: "Wedding" });
  const visitor = await browser.visitor("phone", origin, { javaScriptEnabled: false });
  const tab = await visitor.page();
  await tab.goto(link.url);
  await tab.getByRole("heading", { name: "Wedding" }).waitFor();

  await tab.locator("input[type=file]").first().setInputFiles([file("a.png", png("a")), file("b.png", png("b")), file("notes.txt", "no picture")]);
  await tab.getByRole("button", { name: "Send" }).click();
  await tab.getByText("2 of 3 have arrived").waitFor();
  const outcome = (name) => tab.getByRole("row").filter({ hasText: name }).getByRole("cell").last().textContent();
  assert.equal(await outcome("a.png"), "Stored");
  assert.equal(await outcome("b.png"), "Stored");
  assert.equal(await outcome("notes.txt"), "Not a picture we can accept");
  await screenshot(tab, "without-scripts");

  await tab.getByRole("link", { name: "Send more" }).click();
  await tab.locator("input[type=file]").first().setInputFiles(file("a.png", png("a")));
  await tab.getByRole("button", { name: "Send" }).click();
  await tab.getByText("1 of 1 has arrived").waitFor();
  assert.equal(await outcome("a.png"), "We already have this one");
  assert.equal((await service.stats()).images.stored, 2);
});

test("the page speaks a second language", async (t) => {
  const { service, browser, origin } = await stage(t, { browser: true });
  const link = await service.createLink();
  const tab = await (await browser.visitor("phone", origin, { locale: "de-DE" })).page();
  await tab.goto(link.url);
  assert.equal(await tab.locator("html").getAttribute("lang"), "de");
  await tab.getByLabel("Bilder auswählen").setInputFiles(file("a.png", png("a")));
  await tab.getByRole("heading", { name: "Ihr Bild ist angekommen" }).waitFor();
  await tab.getByRole("link", { name: "English" }).click();
  await tab.getByRole("heading", { name: "Send your pictures" }).waitFor();
});
