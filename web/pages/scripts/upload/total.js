// The card above the list: the progress of all files, and the buttons for all.

import { coarse, Rate } from "./rate.js";

const EVERY = 500; // ms between two updates

export class Total {
  #rate = new Rate();
  #timer = 0;

  /**
   * @param {import("./queue.js").Queue} queue
   * @param {import("./connection.js").Connection} connection
   * @param {import("./locale.js").Locale} locale
   */
  constructor(queue, connection, locale) {
    this.queue = queue;
    this.connection = connection;
    this.locale = locale;
    this.part = Object.fromEntries(["total-state", "total-rate", "total-amount", "total-bar",
      "pause-all", "cancel-all"].map((id) => [id, document.getElementById(id)]));
    this.part["pause-all"].onclick = () => (queue.paused ? queue.resumeAll() : queue.pauseAll());
    this.part["cancel-all"].onclick = () => queue.cancelAll();
  }

  /** Shows the progress within EVERY ms. */
  update() {
    this.#timer ||= setTimeout(() => {
      this.#timer = 0;
      this.show();
    }, EVERY);
  }

  show() {
    const sums = sum(this.queue.items);
    this.#measure(sums);
    this.#texts(sums);
    this.#bar(sums);
    this.#buttons(sums);
    if (sums.left > 0 && !this.queue.paused) this.update(); // the remaining time changes
  }

  #measure(sums) {
    const now = performance.now();
    const still = this.queue.paused || this.connection.lost || sums.left === 0 || sums.sending === 0;
    if (still) this.#rate.restart(sums.sent, now);
    else this.#rate.note(sums.sent, now);
  }

  #texts(sums) {
    const { locale } = this;
    const key = this.queue.paused ? "paused" : this.connection.lost ? "offline" : "sending";
    this.part["total-state"].textContent = locale.text(`total.${key}`, { done: sums.all - sums.left, all: sums.all });
    this.part["total-amount"].textContent = sums.bytes === 0 ? ""
      : locale.text("total.amount", { done: locale.size(sums.confirmed), all: locale.size(sums.bytes) });
    const left = this.#rate.timeFor(sums.bytes - sums.confirmed);
    this.part["total-rate"].textContent = left === 0 ? ""
      : `${locale.size(this.#rate.perSecond)}/s, ${locale.text("total.left", { time: locale.span(coarse(left)) })}`;
  }

  #bar(sums) {
    const share = (bytes) => (sums.bytes === 0 ? 0 : bytes / sums.bytes);
    const bar = this.part["total-bar"];
    bar.querySelector(".sent").style.setProperty("scale", `${share(sums.sent)} 1`);
    bar.querySelector(".confirmed").style.setProperty("scale", `${share(sums.confirmed)} 1`);
    bar.setAttribute("aria-valuenow", String(Math.floor(share(sums.confirmed) * 100)));
  }

  #buttons(sums) {
    const card = document.getElementById("total");
    this.part["pause-all"].textContent = this.locale.text(this.queue.paused ? "action.resumeAll" : "action.pauseAll");
    const focused = card.contains(document.activeElement);
    card.hidden = sums.left === 0; // the summary replaces it
    if (focused && card.hidden) document.getElementById("work-title").focus();
  }
}

/** Counts files, and their bytes in all, sent and confirmed. */
function sum(items) {
  const sums = { all: 0, left: 0, sending: 0, bytes: 0, sent: 0, confirmed: 0 };
  for (const item of items) {
    if (item.state === "cancelled") continue;
    sums.all++;
    if (!item.ended) sums.left++;
    if (item.active) sums.sending++;
    // Duplicates and refused files count no bytes.
    if (item.ended && item.confirmed === 0) continue;
    sums.bytes += item.size;
    sums.sent += Math.max(item.sent, item.confirmed);
    sums.confirmed += item.confirmed;
  }
  return sums;
}
