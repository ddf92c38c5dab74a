// Asking which files the service has already, many at a time.

const MOST = 1000; // sums in one question

/** Asks about items by their sums. */
export class Known {
  #waiting = [];
  #asking = false;

  /**
   * @param {(sums: string[]) => Promise<Map<string, string>>} ask tells the ids of those that are there
   * @param {(item: import("./queue.js").Item, image: string | undefined) => void} compared
   */
  constructor(ask, compared) {
    this.ask = ask;
    this.compared = compared;
  }

  add(item) {
    this.#waiting.push(item);
  }

  /**
   * Asks about what waits. While there is enough to send it waits for more, so
   * the first questions are short, and the later ones as long as they can be.
   */
  async flush(hungry) {
    if (this.#asking || this.#waiting.length === 0 || (!hungry && this.#waiting.length < MOST)) return;
    this.#asking = true;
    const items = this.#waiting.splice(0, MOST);
    let known = new Map();
    try {
      known = await this.ask(items.map((item) => item.sum));
    } catch {
      // Then they are sent, and the answer to that says what is wrong.
    }
    this.#asking = false;
    for (const item of items) this.compared(item, known.get(item.sum));
    this.flush(hungry);
  }
}
