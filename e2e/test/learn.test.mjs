// Labelling, training and predictions in the console.
import assert from "node:assert/strict";
import { test } from "node:test";
import { accessible } from "../lib/axe.mjs";
import { answered, screens, screenshot } from "../lib/browser.mjs";
import { Console } from "../lib/console.mjs";
import { kindOf, kinds, paintKinds } from "../lib/kinds.mjs";
import { Labelling } from "../lib/labelling.mjs";
import { sha256 } from "../lib/pictures.mjs";
import { stage } from "../lib/stage.mjs";
import { UploadPage } from "../lib/upload-page.mjs";

const sent = 200;
const labelled = 40;

test("a stranger labels 40 of 200 pictures by the keyboard, and the model sorts the rest", async (t) => {
  const { service, browser, origin } = await stage(t, { browser: true });
  const link = await service.createLink({ label: "Four kinds" });
  const guest = await browser.visitor("desktop", origin);
  const page = await UploadPage.open(await guest.page(), link);
  const files = await paintKinds(browser, sent);
  await page.choose(files);
  await page.summary(/have arrived/, 120_000);
  assert.equal((await service.stats()).images.stored, sent, "the pictures are no copies of each other");
  const truth = await truths(service, files);

  const desk = await operate(browser, service, origin);
  await desk.console.go("Models");
  await desk.tab.getByText("No picture bears a label yet.").waitFor();
  assert.ok(await desk.tab.getByRole("button", { name: "Train now" }).isDisabled());
  await desk.console.go("Label");
  const labelling = new Labelling(desk.tab);
  for (let i = 0; i < labelled; i++) {
    await labelling.label(truth.get(await labelling.seen()));
    await labelling.next();
  }
  await labelling.done(labelled);
  t.diagnostic(`labelled: ${(await service.ask("GET", "/v1/labels")).labels.map(({ label, images }) => `${label} ${images}`).join(", ")}`);
  await screenshot(desk.tab, "learn-label");

  await desk.console.go("Models");
  const pressed = Date.now();
  await desk.tab.getByRole("button", { name: "Train now" }).click();
  await desk.tab.getByText(`v1 has predicted for all ${sent} pictures.`).waitFor();
  const { right, rest, wrong } = await judge(service, truth);
  t.diagnostic(`${right} of ${rest} right, ${((Date.now() - pressed) / 1000).toFixed(1)} s after the button; wrong: ${wrong}`);
  assert.equal(rest, sent - labelled);
  assert.ok(right >= 0.9 * rest, `${right} of ${rest} right; wrong: ${wrong}`);
  assert.ok(Date.now() - pressed < 60_000, "within a minute");
  await screenshot(desk.tab, "learn-model");

  // The next picture needs one key.
  await desk.console.go("Label");
  const again = new Labelling(desk.tab);
  const open = await again.seen();
  await again.next("Enter");
  await again.done(1);
  assert.equal((await labels(service, open)).length, 1, "Enter accepted the likeliest prediction");
  await desk.tab.keyboard.press("u");
  await again.done(0);

  // What the operator finds: the gallery by predicted kinds.
  await desk.console.go("Gallery");
  for (const kind of kinds) {
    await desk.tab.goto(`${origin}/#/gallery?predicted=${kind}&labelled=false`);
    const many = (await service.ask("GET", `/v1/images?predicted=${kind}&labelled=false&limit=500`)).images.length;
    await desk.tab.getByText(`${many} pictures`, { exact: true }).waitFor();
  }
  await screenshot(desk.tab, "learn-gallery");
});

/** busy is a queue with work and trouble, as the API tells it. */
const busy = {
  counts: [{ kind: "features", state: "available", jobs: 1234, oldest_s: 75.2 }, { kind: "train", state: "running", jobs: 1, oldest_s: 4 }],
  jobs: [
    { id: 13, kind: "train", state: "running", attempt: 1, max_attempts: 5, created_at: "2026-03-01T12:00:00Z", scheduled_at: "2026-03-01T12:00:00Z", error: "" },
    { id: 12, kind: "decode", state: "retryable", attempt: 2, max_attempts: 25, created_at: "2026-03-01T12:00:00Z", scheduled_at: "2026-03-01T12:05:00Z", error: "read the blob: connection refused" },
    { id: 11, kind: "features", state: "discarded", attempt: 25, max_attempts: 25, created_at: "2026-02-01T12:00:00Z", scheduled_at: "2026-02-09T12:00:00Z", error: "the picture cannot be decoded" },
  ],
};

for (const screen of screens) {
  test(`labels, models and jobs are accessible on a ${screen}`, async (t) => {
    const { service, browser, origin } = await stage(t, { browser: true });
    const link = await service.createLink({ label: "Four kinds" });
    const files = await paintKinds(browser, 48);
    await service.send(link, files);
    const truth = await truths(service, files);
    const { tab, console } = await operate(browser, service, origin, screen);
    await console.go("Models");
    await tab.getByText("No picture bears a label yet.").waitFor();
    await accessible(tab, `console-models-empty-${screen}`);

    for (const [id, kind] of [...truth].slice(0, 40)) await service.ask("PUT", `/v1/images/${id}/labels`, { labels: [kind] });
    await described(service);
    await service.ask("POST", "/v1/models/train");
    await tab.getByText("v1 has predicted for all 48 pictures.").waitFor();
    await tab.getByRole("heading", { name: "Model v1" }).waitFor();
    await accessible(tab, `console-models-${screen}`);
    for (const table of await tab.getByRole("button", { name: "Table" }).all()) await table.click();
    await accessible(tab, `console-models-tables-${screen}`);

    await console.go("Label");
    const labelling = new Labelling(tab);
    await labelling.seen();
    await accessible(tab, `console-label-${screen}`);
    await tab.getByRole("button", { name: "Keys" }).click();
    await accessible(tab, `console-keys-${screen}`);
    await tab.getByRole("button", { name: "Close" }).click();

    await console.go("Gallery");
    await tab.getByText("48 pictures", { exact: true }).waitFor();
    await tab.getByRole("checkbox", { name: /^Select / }).first().check();
    await tab.getByRole("button", { name: "Select all shown" }).click();
    await tab.getByText("48 selected").waitFor();
    await accessible(tab, `console-selected-${screen}`);

    await console.go("Jobs");
    await tab.getByText("The queue is empty.").waitFor();
    await tab.route("**/v1/jobs", (route) => route.fulfill({ json: busy }));
    await tab.getByRole("button", { name: "Retry job 12" }).waitFor();
    await accessible(tab, `console-jobs-${screen}`);
  });
}

test("labels can be undone, accepted and given to a selection", async (t) => {
  const { service, browser, origin } = await stage(t, { browser: true });
  const link = await service.createLink();
  await service.send(link, await paintKinds(browser, 12));
  const { tab, console, visitor } = await operate(browser, service, origin);
  await console.go("Label");
  const labelling = new Labelling(tab);
  const first = await labelling.seen();
  await labelling.label("first");
  const second = await labelling.next();
  await labelling.label("first");
  await labelling.label("second");
  await labelling.done(2);
  await tab.keyboard.press("u");
  await tab.keyboard.press("Control+z");
  await labelling.done(1);
  assert.deepEqual(await labels(service, second), []);
  await tab.keyboard.press("ArrowLeft");
  await labelling.bears("first");
  assert.equal(await labelling.seen(), first);

  // A change that the service refuses is taken back.
  visitor.expect(answered(503));
  await tab.route("**/labels", (route) => route.request().method() === "PUT"
    ? route.fulfill({ status: 503, contentType: "application/problem+json", body: '{"code":"unavailable","detail":"A store is away."}' }) : route.continue());
  await tab.keyboard.press("2");
  const alert = tab.getByRole("alert").filter({ hasText: "A store is away." });
  await alert.waitFor();
  await tab.getByRole("button", { name: "Remove the label second" }).waitFor({ state: "detached" });
  await tab.unroute("**/labels");
  await alert.getByRole("button", { name: "Try again" }).click();
  await labelling.bears("second");
  await service.until(async () => (await labels(service, first)).join() === "first,second");

  await console.go("Gallery");
  const wall = await console.loaded(12);
  await wall.nth(2).getByRole("link").click({ modifiers: ["ControlOrMeta"] });
  await wall.nth(6).getByRole("link").click({ modifiers: ["Shift"] });
  await tab.getByText("5 selected").waitFor();
  await tab.getByLabel("Label for the selected pictures").fill("many");
  await tab.keyboard.press("Enter");
  await tab.getByText("many added to 5 pictures.").waitFor();
  const bearing = async () => (await service.ask("GET", "/v1/images?label=many")).images.length;
  assert.equal(await bearing(), 5);
  await tab.getByRole("button", { name: "Undo" }).click();
  await tab.getByText("many removed from 5 pictures.").waitFor();
  assert.equal(await bearing(), 0);
  await tab.getByRole("button", { name: "Delete" }).click();
  await tab.getByRole("dialog").getByRole("button", { name: "Delete" }).click();
  await tab.getByText("5 pictures deleted.").waitFor();
  await console.loaded(7);
});

/** operate signs an operator in, and waits until every picture has its features. */
async function operate(browser, service, origin, screen = "desktop") {
  await described(service);
  const visitor = await browser.visitor(screen, origin);
  const tab = await visitor.page();
  const console = await Console.open(tab, service);
  await console.signIn(service);
  return { visitor, tab, console };
}

/** described waits until no job is left: every picture has its features. */
function described(service) {
  return service.until(async () => (await service.ask("GET", "/v1/jobs")).counts.every(({ jobs }) => jobs === 0));
}

/** truths returns the kinds of all pictures by their ids. */
async function truths(service, files) {
  const names = new Map(files.map(({ name, buffer }) => [sha256(buffer), name]));
  const { images } = await service.ask("GET", "/v1/images?limit=500");
  return new Map(images.map((image) => [image.id, kindOf(names.get(image.sha256))]));
}

const labels = async (service, id) => (await service.ask("GET", `/v1/images/${id}/metadata`)).labels;

/** judge compares the predictions of all unlabelled pictures with their kinds. */
async function judge(service, truth) {
  const { images } = await service.ask("GET", "/v1/images?limit=500&labelled=false");
  const wrong = images.filter(({ id, predictions: [first] }) => first?.label !== truth.get(id));
  return {
    rest: images.length, right: images.length - wrong.length,
    wrong: wrong.map(({ id, predictions: [first] }) => `${truth.get(id)} as ${first?.label} ${first?.probability.toFixed(2)}`).join(", "),
  };
}
