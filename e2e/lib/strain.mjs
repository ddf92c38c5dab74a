// Measures a tab: tasks that block its main thread, and its memory.
import { readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";

/** Strain samples the memory of one tab, and traces its tasks. */
export class Strain {
  peak = { heap: 0, nodes: 0, renderer: 0 }; // bytes of JavaScript, DOM nodes, bytes of the process
  #over = new AbortController();

  static async watch(browser, tab) {
    const strain = new Strain();
    strain.browser = browser.chromium;
    strain.page = await tab.context().newCDPSession(tab);
    await strain.page.send("Performance.enable");
    strain.machine = await strain.browser.newBrowserCDPSession();
    await strain.browser.startTracing(tab, { categories: ["devtools.timeline", "disabled-by-default-devtools.timeline", "__metadata"] });
    strain.sampling = strain.#sample();
    return strain;
  }

  /** end stops measuring and returns the peaks, and the tasks of the tab's main thread. */
  async end() {
    this.#over.abort();
    await this.sampling;
    return { ...this.peak, tasks: tasks(JSON.parse(await this.browser.stopTracing())) };
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

  // The tab's renderer is the largest one: the others are idle.
  async #renderer() {
    const { processInfo } = await this.machine.send("SystemInfo.getProcessInfo");
    const sizes = processInfo.filter(({ type }) => type === "renderer").map(({ id }) => {
      const [, kilobytes] = statusOf(id).match(/^RssAnon:\s+(\d+)/m) ?? [0, 0];
      return kilobytes * 1024;
    });
    return Math.max(...sizes);
  }

  #note(name, value) {
    this.peak[name] = Math.max(this.peak[name], value);
  }
}

/** statusOf reads /proc/<id>/status, or returns "" if the process has ended. */
function statusOf(id) {
  try {
    return readFileSync(`/proc/${id}/status`, "utf8");
  } catch {
    return "";
  }
}

/**
 * tasks lists the tasks of main threads: wall time and processor time in ms, and the
 * longest parts. On a busy machine the wall time includes other processes' work.
 */
function tasks({ traceEvents: events }) {
  const mains = new Set(events.filter(({ name, args }) => name === "thread_name" && args.name === "CrRendererMain").map(thread));
  const timed = events.filter((event) => event.ph === "X" && event.dur !== undefined && mains.has(thread(event)));
  const found = timed.filter(({ name }) => name === "RunTask").map((task) => ({ task, wall: task.dur / 1000, processor: (task.tdur ?? 0) / 1000 }));
  for (const long of found.filter(({ wall }) => wall > 50)) long.what = parts(long.task, timed);
  return found.map(({ wall, processor, what = [] }) => ({ wall, processor, what }));
}

const thread = ({ pid, tid }) => `${pid} ${tid}`;

/** parts names the parts of a task that took more than 5 ms, the longest first. */
function parts(task, timed) {
  return timed
    .filter((event) => event !== task && thread(event) === thread(task) && event.ts >= task.ts && event.ts < task.ts + task.dur && event.dur > 5000)
    .sort((a, b) => b.dur - a.dur)
    .map(({ name, dur, tdur = 0, args: { data = {} } }) => {
      const source = data.functionName ? ` ${data.functionName} (${data.url?.split("/").at(-1)}:${data.lineNumber})` : "";
      return `${name}${source} ${Math.round(dur / 1000)}/${Math.round(tdur / 1000)} ms`;
    });
}
