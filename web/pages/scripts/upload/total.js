// The progress of everything, and the buttons for all.

import { coarse, Rate } from "./rate.js";

const EVERY = 500; // ms

/** The card above the list. */
export class Total {
  #rate = new Rate();
  #timer = 0;

  /**
   * @param {import("./queue.js").Queue} queue
   * @param {import("./connection.js").Connection} connection
   * @param {import("./texts.js").Speech} speech
   */
  constructor(queue, connection, speech) {
    this.queue = queue;
    this.connection = connection;
    this.speech = speech;
    this.part = Object.fromEntries(["total-state", "total-rate", "total-amount", "total-bar",
      "pause-all", "cancel-all"].map((id) => [id, document.getElementById(id)]));
    this.part["pause-all"].onclick = () => (queue.paused ? queue.resumeAll() : queue.pauseAll());
    this.part["cancel-all"].onclick = () => queue.cancelAll();
  }

  /** Shows it soon. */
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
    if (sums.left > 0 && !this.queue.paused) this.update(); // the time left goes on
  }

  #measure(sums) {
    const now = performance.now();
    const still = this.queue.paused || this.connection.lost || sums.left === 0 || sums.sending === 0;
    if (still) this.#rate.restart(sums.sent, now);
    else this.#rate.note(sums.sent, now);
  }

  #texts(sums) {
    const { speech } = this;
    const key = this.queue.paused ? "paused" : this.connection.lost ? "offline" : "sending";
    this.part["total-state"].textContent = speech.say(`total.${key}`, { done: sums.all - sums.left, all: sums.all });
    this.part["total-amount"].textContent = sums.bytes === 0 ? ""
      : speech.say("total.amount", { done: speech.size(sums.sure), all: speech.size(sums.bytes) });
    const left = this.#rate.timeFor(sums.bytes - sums.sure);
    this.part["total-rate"].textContent = left === 0 ? ""
      : `${speech.size(this.#rate.perSecond)}/s, ${speech.say("total.left", { time: speech.span(coarse(left)) })}`;
  }

  #bar(sums) {
    const share = (bytes) => (sums.bytes === 0 ? 0 : bytes / sums.bytes);
    const bar = this.part["total-bar"];
    bar.querySelector(".sent").style.setProperty("scale", `${share(sums.sent)} 1`);
    bar.querySelector(".sure").style.setProperty("scale", `${share(sums.sure)} 1`);
    bar.setAttribute("aria-valuenow", String(Math.floor(share(sums.sure) * 100)));
  }

  #buttons(sums) {
    const card = document.getElementById("total");
    this.part["pause-all"].textContent = this.speech.say(this.queue.paused ? "action.resumeAll" : "action.pauseAll");
    const focused = card.contains(document.activeElement);
    card.hidden = sums.left === 0; // then there is a summary
    if (focused && card.hidden) document.getElementById("work-title").focus();
  }
}

/** Counts files and the bytes that are to be sent, are on their way, and have arrived. */
export function sum(items) {
  const sums = { all: 0, left: 0, sending: 0, bytes: 0, sent: 0, sure: 0 };
  for (const item of items) {
    if (item.state === "cancelled") continue;
    sums.all++;
    if (!item.ended) sums.left++;
    if (item.active) sums.sending++;
    // What need not be sent, or never arrives, is no part of the way.
    if (item.ended && item.sure === 0) continue;
    sums.bytes += item.size;
    sums.sent += Math.max(item.sent, item.sure);
    sums.sure += item.sure;
  }
  return sums;
}
