// Small pictures. They are fetched with the operator's token, so that they show
// also where addresses have to be signed, a few at once, only while they are
// wanted, and kept in bounds.

const AT_ONCE = 6;
const KEPT = 240; // pictures that are off the screen
const LONGEST_RETRY = 30_000;

export class Thumbs {
  #api;
  #queue = []; // of jobs, in the order wanted
  #running = 0;
  #shown = new Map(); // frame → job
  #kept = new Map(); // "id width" → address of the blob, the latest used last

  constructor(api) {
    this.#api = api;
  }

  // show fills a frame, an element with one img in it, and says in its
  // data-state how far that is: loading, ready, waiting (to be decoded) or none.
  show(frame, id, width = 320) {
    if (this.#shown.has(frame)) return;
    const job = { frame, id, width, key: `${id} ${width}`, abort: null, timer: 0, tries: 0 };
    this.#shown.set(frame, job);
    const kept = this.#kept.get(job.key);
    if (kept) {
      this.#kept.delete(job.key);
      this.#put(job, kept);
      return;
    }
    frame.dataset.state = "loading";
    this.#queue.push(job);
    this.#next();
  }

  // hide empties a frame that nobody sees any more.
  hide(frame) {
    const job = this.#shown.get(frame);
    if (!job) return;
    this.#shown.delete(frame);
    this.#queue = this.#queue.filter((other) => other !== job);
    clearTimeout(job.timer);
    job.abort?.abort();
    if (!job.address) return;
    frame.querySelector("img").removeAttribute("src");
    const older = this.#kept.get(job.key);
    if (older) URL.revokeObjectURL(older); // two frames showed it
    this.#kept.delete(job.key);
    this.#kept.set(job.key, job.address);
    for (const [key, address] of this.#kept) {
      if (this.#kept.size <= KEPT) break;
      this.#kept.delete(key);
      URL.revokeObjectURL(address);
    }
  }

  // clear empties everything.
  clear() {
    for (const frame of [...this.#shown.keys()]) this.hide(frame);
    for (const address of this.#kept.values()) URL.revokeObjectURL(address);
    this.#kept.clear();
  }

  #next() {
    while (this.#running < AT_ONCE && this.#queue.length > 0) {
      this.#running++;
      this.#load(this.#queue.shift()).finally(() => {
        this.#running--;
        this.#next();
      });
    }
  }

  async #load(job) {
    job.abort = new AbortController();
    try {
      const blob = await this.#api.picture(job.id, job.width, job.abort.signal);
      if (this.#wanted(job)) this.#put(job, URL.createObjectURL(blob));
    } catch (error) {
      if (this.#wanted(job)) this.#failed(job, error);
    }
  }

  #wanted(job) {
    return this.#shown.get(job.frame) === job;
  }

  #put(job, address) {
    job.address = address;
    job.frame.querySelector("img").src = address;
    job.frame.dataset.state = "ready";
  }

  // A picture that is not decoded yet, and a service that is busy, get better.
  #failed(job, error) {
    const later = error.status === 503 || error.status === 429 || error.status === 0;
    job.frame.dataset.state = later ? "waiting" : "none";
    if (!later) return;
    const pause = Math.min(LONGEST_RETRY, 1000 * Math.max(1, error.retryAfter || 2) * 1.5 ** job.tries++);
    job.timer = setTimeout(() => {
      this.#queue.push(job);
      this.#next();
    }, pause);
  }
}
