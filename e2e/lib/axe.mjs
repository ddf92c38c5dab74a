// Checks accessibility with axe.
import assert from "node:assert/strict";
import { createRequire } from "node:module";
import { readFileSync } from "node:fs";
import { screenshot } from "./browser.mjs";

const source = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const rules = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"];

/**
 * violations lists the rules of axe that a page violates. axe runs in an isolated
 * world, so the page's Content-Security-Policy stays in force.
 */
async function violations(page) {
  const devtools = await page.context().newCDPSession(page);
  const { frameTree } = await devtools.send("Page.getFrameTree");
  const world = await devtools.send("Page.createIsolatedWorld", { frameId: frameTree.frame.id, worldName: "axe" });
  const run = async (expression) => {
    const { result, exceptionDetails } = await devtools.send("Runtime.evaluate", {
      expression, contextId: world.executionContextId, awaitPromise: true, returnByValue: true,
    });
    if (exceptionDetails) throw new Error(exceptionDetails.exception?.description ?? exceptionDetails.text);
    return result.value;
  };
  await run(`${source}; undefined`);
  const options = JSON.stringify({ runOnly: rules, resultTypes: ["violations"] });
  const found = await run(`axe.run(${options}).then((results) => results.violations)`);
  await devtools.detach();
  return found.map((rule) => `${rule.id}: ${rule.help}\n${rule.nodes.map((node) => `    ${node.html}\n    ${node.failureSummary}`).join("\n")}`);
}

/** accessible saves screenshots of the page and checks it with axe, light and dark. */
export async function accessible(tab, name) {
  for (const colorScheme of ["light", "dark"]) {
    await tab.emulateMedia({ colorScheme, reducedMotion: "reduce" });
    await tab.evaluate(() => Promise.all(document.getAnimations().map((animation) => animation.finished.catch(() => {}))));
    await screenshot(tab, `${name}-${colorScheme}`);
    assert.deepEqual(await violations(tab), [], `${name}, ${colorScheme}`);
  }
}
