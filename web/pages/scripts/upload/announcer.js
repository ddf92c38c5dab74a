// What a screen reader says of all this: little, and not too often.

const QUIET = 15e3; // ms between two reports of progress

export class Announcer {
  #at = 0;

  /** @param {HTMLElement} place a live region */
  constructor(place) {
    this.place = place;
  }

  /** Says something at once. */
  say(text) {
    this.#at = performance.now();
    this.place.textContent = text;
  }

  /** Says how far things are, unless something was said just now. */
  progress(text) {
    if (performance.now() - this.#at > QUIET) this.say(text);
  }
}
