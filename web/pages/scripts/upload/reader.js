// Reads files in a worker, so that the page stays responsive.

export class Reader {
  #worker;
  #waiting = new Map();
  #last = 0;

  /**
   * @param {File} file
   * @returns {Promise<{sum: string, gps: "present" | "missing" | ""}>} rejects
   *   when the file cannot be read; sum is "" where the worker is missing
   */
  read(file) {
    this.#worker ??= this.#start();
    const id = ++this.#last;
    this.#worker.postMessage({ id, file });
    return new Promise((resolve, reject) => this.#waiting.set(id, { resolve, reject }));
  }

  #start() {
    const worker = new Worker(new URL("./worker/hash.js", import.meta.url), { type: "module" });
    worker.onmessage = ({ data: { id, error, ...found } }) => {
      const { resolve, reject } = this.#waiting.get(id);
      this.#waiting.delete(id);
      if (error) reject(new Error(error));
      else resolve(found);
    };

    // The worker did not load, as in a tunnel: the next file tries again.
    worker.onerror = (event) => {
      event.preventDefault();
      this.#worker = undefined;
      for (const { resolve } of this.#waiting.values()) resolve({ sum: "", gps: "" });
      this.#waiting.clear();
    };
    return worker;
  }
}
