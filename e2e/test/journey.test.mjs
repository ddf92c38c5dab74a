import assert from "node:assert/strict";
import { test } from "node:test";
import { answered, screenshot } from "../lib/browser.mjs";
import { Console } from "../lib/console.mjs";
import { file, tenPictures } from "../lib/pictures.mjs";
import { stage } from "../lib/stage.mjs";
import { UploadPage } from "../lib/upload-page.mjs";

test("from the operator's token to a revoked link", async (t) => {
  const { service, browser, origin } = await stage(t, { browser: true });
  const operator = await browser.visitor("desktop", origin, { permissions: ["clipboard-read", "clipboard-write"] });
  operator.expect(answered(403), answered(503)); // the wrong token; pictures not decoded yet
  const desk = await operator.page();
  const console = await Console.open(desk, service);
  await console.give("not the operator’s token");
  await desk.getByRole("alert").getByText("That is not the operator’s token.").waitFor();
  await console.signIn(service);
  await console.figure("Pictures", "0");
  await desk.evaluate(() => { globalThis.sameDocument = true; });

  const url = await console.makeLink({ label: "Summer party", expires: "1 day", files: 20 });
  await desk.getByRole("button", { name: "Copy link" }).click();
  await desk.getByText("The link is copied.").waitFor();
  assert.equal(await desk.evaluate(() => navigator.clipboard.readText()), url);
  await desk.getByRole("img", { name: "QR code of the link" }).evaluate((img) => img.decode());
  await console.go("Overview");

  // A guest's phone sends twelve files: ten pictures, a copy, and a text.
  const guest = await browser.visitor("phone", origin);
  guest.expect(answered(410), answered(415));
  const phone = await guest.page();
  const page = await UploadPage.open(phone, { url });
  await phone.getByRole("heading", { name: "Summer party" }).waitFor();
  await phone.getByText("room for 20 pictures").waitFor();
  const pictures = tenPictures();
  const copy = file(`copy of ${pictures[0].name}`, pictures[0].buffer);
  await page.choose([...pictures, copy, file("notes.txt", "This is no picture.\n")]);
  await page.summary("11 of 12 have arrived");
  for (const { name } of pictures) await page.outcome(name, "Stored");
  await page.outcome(copy.name, "We already have this one");
  await page.outcome("notes.txt", "Not a picture we can accept");
  await phone.getByText("room for 10 pictures").waitFor();
  await screenshot(phone, "journey-phone");

  // The figures rise without a reload.
  await console.figure("Pictures", "10");
  await console.figure("Refused", "1");
  await console.loaded(10); // the latest uploads
  for (const period of ["2 hours", "7 days"]) {
    await desk.getByRole("button", { name: period, exact: true }).click();
    await desk.getByRole("img", { name: new RegExp(`^Chart of the last ${period}: 10 stored, .+, 1 refused`) }).waitFor();
  }
  assert.equal(await desk.evaluate(() => globalThis.sameDocument), true);
  await screenshot(desk, "journey-overview");

  await console.go("Gallery");
  const wall = await console.loaded(10);
  await screenshot(desk, "journey-gallery");
  await wall.first().getByRole("link").click();
  const picture = desk.getByRole("dialog");
  const { images } = await service.ask("GET", "/v1/images");
  await picture.getByText(images[0].sha256).waitFor();
  await picture.locator("[data-state=ready]").first().waitFor();
  await picture.getByLabel("Add a label").fill("party");
  await picture.getByRole("button", { name: "Add", exact: true }).click();
  await picture.getByRole("button", { name: "Remove the label party" }).waitFor();
  await screenshot(desk, "journey-picture");
  await picture.getByRole("button", { name: "Close" }).click();
  await picture.waitFor({ state: "detached" });

  await console.go("Links");
  await desk.getByRole("button", { name: "Revoke Summer party" }).click();
  await desk.getByRole("dialog").getByRole("button", { name: "Revoke" }).click();
  await desk.getByText("The link is revoked.").waitFor();
  const refused = await phone.goto(url);
  assert.equal(refused.status(), 410);
  await phone.getByRole("heading", { name: "This link has been closed" }).waitFor();
  assert.equal(await phone.locator("form").count(), 0);
  assert.equal((await service.stats()).images.stored, 10);
});
