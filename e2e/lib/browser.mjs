// Chromium as a desktop and as a phone. Every test fails on errors in the console
// and on requests to another origin.
import assert from "node:assert/strict";
import { existsSync, mkdirSync } from "node:fs";
import path from "node:path";
import { chromium } from "playwright-core";

const output = path.resolve(import.meta.dirname, "../output");

const flags = [
  "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
  "--disable-background-networking", "--disable-component-update", "--disable-sync",
  // No name resolves, so a page can load nothing from elsewhere.
  "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
];

const devices = {
  desktop: { viewport: { width: 1280, height: 800 } },
  phone: { viewport: { width: 360, height: 740 }, deviceScaleFactor: 2, isMobile: true, hasTouch: true },
};

/** screens are the names of the devices. */
export const screens = Object.keys(devices);

/** findChromium returns the path of a Chromium on this machine, or null. */
function findChromium() {
  const names = ["chromium", "chromium-browser", "google-chrome"];
  const files = process.env.PATH.split(path.delimiter).flatMap((dir) => names.map((name) => path.join(dir, name)));
  return [process.env.CHROMIUM, ...files].find((file) => file && existsSync(file)) ?? null;
}

/** openBrowser starts a Chromium with an empty profile. */
export async function openBrowser() {
  const executablePath = findChromium();
  assert.ok(executablePath, "no Chromium: install one, or name it in CHROMIUM");
  return new Browser(await chromium.launch({ executablePath, args: flags }));
}

class Browser {
  #visitors = [];

  constructor(chromium) {
    this.chromium = chromium;
  }

  /**
   * visitor opens a new profile on a screen, "phone" or "desktop". Its pages may load
   * only from origin.
   */
  async visitor(screen, origin, options = {}) {
    const context = await this.chromium.newContext({ ...devices[screen], locale: "en-GB", ...options });
    context.setDefaultTimeout(60_000);
    const visitor = new Visitor(context, origin);
    this.#visitors.push(visitor);
    return visitor;
  }

  /** photograph saves a screenshot of every open page, for a failed test. */
  async photograph(name) {
    const tabs = this.#visitors.flatMap((visitor) => visitor.context.pages());
    for (const [i, tab] of tabs.entries()) await screenshot(tab, `failed-${name.replaceAll(/\W+/g, "-")}-${i}`).catch(() => {});
  }

  /** close ends the browser, and fails if a visitor's pages had faults. */
  async close() {
    await this.chromium.close();
    for (const visitor of this.#visitors) visitor.check();
  }
}

/** Visitor is one browser profile. It records the faults of its pages. */
class Visitor {
  #faults = [];
  #expected = [];

  constructor(context, origin) {
    this.context = context;
    context.on("console", (message) => {
      const about = `${message.text()} (${message.location().url})`;
      if (message.type() === "error") this.#fault(`console: ${about}`);
    });
    context.on("weberror", (error) => this.#fault(`error: ${error.error().stack}`));
    context.on("request", (request) => {
      const url = new URL(request.url());
      const own = url.protocol === "blob:" || url.protocol === "data:" || url.origin === origin;
      if (!own) this.#fault(`request to another origin: ${url}`);
    });
  }

  page() {
    return this.context.newPage();
  }

  /** expect names faults that belong to the test, such as those of a cut connection. */
  expect(...patterns) {
    this.#expected.push(...patterns);
  }

  check() {
    assert.deepEqual(this.#faults, [], "the pages had faults");
  }

  #fault(what) {
    if (!this.#expected.some((pattern) => pattern.test(what))) this.#faults.push(what);
  }
}

/** answered matches the message that Chromium always logs for a refusal. */
export function answered(status) {
  return new RegExp(`^console: Failed to load resource: the server responded with a status of ${status} `);
}

/**
 * screenshot saves a picture of a whole page in output/. It enlarges the screen to the
 * page's height, since Chromium's own full-page screenshots drop touch emulation and
 * draw fixed bars in the middle.
 */
export async function screenshot(page, name) {
  mkdirSync(output, { recursive: true });
  const screen = page.viewportSize();
  const height = await page.evaluate(() => document.documentElement.scrollHeight);
  await page.setViewportSize({ ...screen, height: Math.max(screen.height, height) });
  await page.screenshot({ path: path.join(output, `${name}.png`) });
  await page.setViewportSize(screen);
}
