// Chromium as a desktop and as a phone. What a page must never do is watched in
// every test: errors in the console, and requests to anybody else.
import assert from "node:assert/strict";
import { accessSync, mkdirSync } from "node:fs";
import path from "node:path";
import { chromium } from "playwright-core";

const output = path.resolve(import.meta.dirname, "../output");

const flags = [
  "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
  "--disable-background-networking", "--disable-component-update", "--disable-sync",
  // No name resolves: what is not here cannot be loaded.
  "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
];

const devices = {
  desktop: { viewport: { width: 1280, height: 800 } },
  phone: { viewport: { width: 360, height: 740 }, deviceScaleFactor: 2, isMobile: true, hasTouch: true },
};

/** screens are what pages are looked at on. */
export const screens = Object.keys(devices);

/** findChromium returns the path of a Chromium on this machine, or null. */
export function findChromium() {
  const names = ["chromium", "chromium-browser", "google-chrome"];
  const places = process.env.PATH.split(path.delimiter).flatMap((dir) => names.map((name) => path.join(dir, name)));
  return [process.env.CHROMIUM, ...places].find((file) => file && canRun(file)) ?? null;
}

function canRun(file) {
  try {
    accessSync(file);
    return true;
  } catch {
    return false;
  }
}

/** openBrowser starts a Chromium with nothing remembered. */
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
   * visitor is somebody new at a screen, "phone" or "desktop", who may load what
   * comes from origin.
   */
  async visitor(screen, origin, options = {}) {
    const context = await this.chromium.newContext({ ...devices[screen], locale: "en-GB", ...options });
    context.setDefaultTimeout(60_000);
    const visitor = new Visitor(context, origin);
    this.#visitors.push(visitor);
    return visitor;
  }

  /** photograph keeps what all pages look like, as of a test that has failed. */
  async photograph(name) {
    const tabs = this.#visitors.flatMap((visitor) => visitor.context.pages());
    for (const [i, tab] of tabs.entries()) await screenshot(tab, `failed-${name.replaceAll(/\W+/g, "-")}-${i}`).catch(() => {});
  }

  /** close ends the browser, and fails if a visitor's pages did what they must not. */
  async close() {
    await this.chromium.close();
    for (const visitor of this.#visitors) visitor.check();
  }
}

/** Visitor is one browser profile, its pages under watch. */
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

  /** expect says which messages of the console belong to the test, as of a cut connection. */
  expect(...patterns) {
    this.#expected.push(...patterns);
  }

  check() {
    assert.deepEqual(this.#faults, [], "the pages did what they must not");
  }

  #fault(what) {
    if (!this.#expected.some((pattern) => pattern.test(what))) this.#faults.push(what);
  }
}

/** answered matches what Chromium writes of a refusal, which a script cannot keep it from. */
export function answered(status) {
  return new RegExp(`^console: Failed to load resource: the server responded with a status of ${status} `);
}

/**
 * screenshot keeps what a page looks like, for whoever reads the build's output. The
 * screen grows to the page's height: Chromium's own pictures of whole pages forget
 * that a phone is touched, and have its bars in the middle.
 */
export async function screenshot(page, name) {
  mkdirSync(output, { recursive: true });
  const screen = page.viewportSize();
  const height = await page.evaluate(() => document.documentElement.scrollHeight);
  await page.setViewportSize({ ...screen, height: Math.max(screen.height, height) });
  await page.screenshot({ path: path.join(output, `${name}.png`) });
  await page.setViewportSize(screen);
}
