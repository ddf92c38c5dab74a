// Asks the service which files it already has, many in one request.

const MOST = 1000; // sums in one request; the service's limit

/** Items that wait for the service to compare their sums. */
export class Known {
  #waiting = [];
  #asking = false;

  /**
   * @param {(sums: string[]) => Promise<Map<string, string>>} ask resolves with the ids of the stored ones, by sum
   * @param {(item: import("./queue.js").Item, image: string | undefined) => void} compared called with
   *   each item and the id of its stored picture, if there is one
   */
  constructor(ask, compared) {
    this.ask = ask;
    this.compared = compared;
  }

  add(item) {
    this.#waiting.push(item);
  }

  /**
   * Asks about the waiting items. Unless the queue is hungry, it waits for a full
   * request: so the first requests are quick and the later ones are few.
   */
  async flush(hungry) {
    if (this.#asking || this.#waiting.length === 0 || (!hungry && this.#waiting.length < MOST)) return;
    this.#asking = true;
    const items = this.#waiting.splice(0, MOST);
    let known = new Map();
    try {
      known = await this.ask(items.map((item) => item.sum));
    } catch {
      // The queue then sends the items, and their answers carry the error.
    }
    this.#asking = false;
    for (const item of items) this.compared(item, known.get(item.sum));
    this.flush(hungry);
  }
}
