// Announces what happens to screen readers, and progress only now and then.

const QUIET = 15e3; // ms between two reports of progress

export class Announcer {
  #at = 0;

  /** @param {HTMLElement} region an ARIA live region */
  constructor(region) {
    this.region = region;
  }

  /** Announces a text at once. */
  announce(text) {
    this.#at = performance.now();
    this.region.textContent = text;
  }

  /** Announces progress, unless something was announced just now. */
  progress(text) {
    if (performance.now() - this.#at > QUIET) this.announce(text);
  }
}
