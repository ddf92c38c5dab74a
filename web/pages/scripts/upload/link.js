// The page's link as the service describes it: what it still allows, and until when.

import { closes } from "./answer.js";

export class Link {
  #ahead; // ms that the service's clock is ahead of this one
  #asked = null;
  /** Called when state is new. */
  changed = () => {};
  /** Called with the code of the problem when the service refuses the link. */
  refused = () => {};

  /** @param {{now: string, link: object}} data from the page's HTML */
  constructor(data) {
    this.state = data.link;
    this.base = location.pathname.replace(/\/+$/, "");
    this.#ahead = Date.parse(data.now) - Date.now();
  }

  /** The ms until the link expires. */
  get open() {
    return Date.parse(this.state.expires_at) - Date.now() - this.#ahead;
  }

  get filesLeft() {
    return this.state.files_left;
  }

  get usedUp() {
    return this.state.files_left === 0 || this.state.bytes_left === 0;
  }

  /** Loads the state again. Resolves with whether the service answered, also with a refusal. */
  refresh() {
    return (this.#asked ??= this.#refresh());
  }

  async #refresh() {
    try {
      const answer = await fetch(this.base, {
        headers: { Accept: "application/json" }, cache: "no-store", signal: AbortSignal.timeout?.(10e3),
      });
      if (answer.ok) {
        this.state = await answer.json();
        this.changed();
      } else {
        const { code } = await answer.json();
        if (closes(code)) this.refused(code);
      }
      return answer.status !== 502 && answer.status !== 504; // a proxy cannot reach the service
    } catch {
      return false; // also where the answer is not the service's JSON
    } finally {
      this.#asked = null;
    }
  }

  /** Resolves with the ids of the stored pictures, by their sums. */
  async known(sums) {
    const answer = await fetch(`${this.base}/check`, {
      method: "POST", headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ sha256: sums, ids: true }), signal: AbortSignal.timeout?.(20e3),
    });
    if (!answer.ok) throw new Error(`check: ${answer.status}`);
    return new Map(Object.entries((await answer.json()).ids));
  }
}
