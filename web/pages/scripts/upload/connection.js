// Whether the service can be reached.

import { delay } from "./answer.js";

export class Connection {
  #probing = null;
  /** Called when lost changes. */
  changed = () => {};
  lost = false;

  /** @param {() => Promise<boolean>} probe resolves with whether the service answers */
  constructor(probe) {
    this.probe = probe;
  }

  /**
   * Resolves when the service answers; all callers share one probe. Calls lost
   * if the first probe fails.
   */
  async back(signal, lost) {
    if (await (this.#probing ??= this.#probe())) return;
    lost();
    this.#note(true);
    for (let attempt = 0; !signal.aborted; attempt++) {
      await this.wait(delay(attempt), signal);
      if (!signal.aborted && (await (this.#probing ??= this.#probe()))) break;
    }
    if (!signal.aborted) this.#note(false);
  }

  /** Waits for ms, or until the browser comes online or the signal aborts. */
  wait(ms, signal) {
    return new Promise((resolve) => {
      const end = () => {
        clearTimeout(timer);
        removeEventListener("online", end);
        signal.removeEventListener("abort", end);
        resolve();
      };
      const timer = setTimeout(end, ms);
      addEventListener("online", end);
      signal.addEventListener("abort", end);
    });
  }

  async #probe() {
    try {
      return await this.probe();
    } finally {
      this.#probing = null;
    }
  }

  #note(lost) {
    if (this.lost === lost) return;
    this.lost = lost;
    this.changed();
  }
}
