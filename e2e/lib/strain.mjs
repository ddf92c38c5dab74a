// How a tab bears its work: what keeps it from answering a finger, and what it
// takes of the machine.
import { readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";

/** Strain watches one tab from before it loads its page. */
export class Strain {
  peak = { heap: 0, nodes: 0, renderer: 0 }; // bytes of JavaScript, elements and texts, bytes of the process
  #over = new AbortController();

  static async watch(browser, tab) {
    const strain = new Strain();
    strain.tab = tab;
    await tab.addInitScript(() => {
      globalThis.longTasks = [];
      const note = (list) => globalThis.longTasks.push(...list.getEntries().map((entry) => entry.duration));
      new PerformanceObserver(note).observe({ type: "longtask", buffered: true });
    });
    strain.page = await tab.context().newCDPSession(tab);
    await strain.page.send("Performance.enable");
    strain.machine = await browser.chromium.newBrowserCDPSession();
    strain.sampling = strain.#sample();
    return strain;
  }

  /** end stops watching and returns the peaks, and the tasks over 50 ms in ms, longest first. */
  async end() {
    this.#over.abort();
    await this.sampling;
    const tasks = await this.tab.evaluate(() => globalThis.longTasks);
    return { ...this.peak, tasks: tasks.sort((a, b) => b - a) };
  }

  async #sample() {
    while (!this.#over.signal.aborted) {
      const { metrics } = await this.page.send("Performance.getMetrics");
      const metric = (name) => metrics.find((m) => m.name === name).value;
      this.#note("heap", metric("JSHeapUsedSize"));
      this.#note("nodes", metric("Nodes"));
      this.#note("renderer", await this.#renderer());
      await sleep(250, null, { signal: this.#over.signal }).catch(() => {});
    }
  }

  // The largest of the renderers is the one of the tab: the others are idle.
  async #renderer() {
    const { processInfo } = await this.machine.send("SystemInfo.getProcessInfo");
    const sizes = processInfo.filter(({ type }) => type === "renderer").map(({ id }) => {
      const [, kilobytes] = readFileSync(`/proc/${id}/status`, "utf8").match(/^RssAnon:\s+(\d+)/m) ?? [0, 0];
      return kilobytes * 1024;
    });
    return Math.max(...sizes);
  }

  #note(name, value) {
    this.peak[name] = Math.max(this.peak[name], value);
  }
}
