// The link as the service describes it: what it still allows, and until when.

import { closes } from "./answer.js";

/** The link of this page. */
export class Link {
  #ahead; // of the service's clock, in ms
  #asked = null;
  /** Called when there is something new to show. */
  changed = () => {};
  /** Called with the code of the problem when the service refuses the link. */
  refused = () => {};

  /** @param {{now: string, link: object}} data what the page was made with */
  constructor(data) {
    this.state = data.link;
    this.base = location.pathname.replace(/\/+$/, "");
    this.#ahead = Date.parse(data.now) - Date.now();
  }

  /** ms until it expires. */
  get open() {
    return Date.parse(this.state.expires_at) - Date.now() - this.#ahead;
  }

  get filesLeft() { return this.state.files_left; }

  get usedUp() {
    return this.state.files_left === 0 || this.state.bytes_left === 0;
  }

  /** Asks anew. It tells whether the service answered, whatever it said. */
  async refresh() {
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
      return answer.status !== 502 && answer.status !== 504; // of a proxy before a service that is away
    } catch {
      return false; // also when what answered is not the service
    } finally {
      this.#asked = null;
    }
  }

  /** Asks which sums the service knows, and the ids of their pictures. */
  async known(sums) {
    const answer = await fetch(`${this.base}/check`, {
      method: "POST", headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ sha256: sums, ids: true }), signal: AbortSignal.timeout?.(20e3),
    });
    if (!answer.ok) throw new Error(`check: ${answer.status}`);
    return new Map(Object.entries((await answer.json()).ids));
  }
}
