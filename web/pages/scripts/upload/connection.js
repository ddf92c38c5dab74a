// Whether the service can be reached, and waiting for it.

import { delay } from "./answer.js";

export class Connection {
  #probing = null;
  /** Called when it is lost and when it is there again. */
  changed = () => {};
  lost = false;

  /** @param {() => Promise<boolean>} probe tells whether the service answers */
  constructor(probe) {
    this.probe = probe;
  }

  /**
   * Returns when the service answers. All who wait share one probe. `lost` is
   * called when it does not at once.
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

  /** Waits, at most until the browser is online again. */
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
