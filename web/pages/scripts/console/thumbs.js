// Thumbnails. Thumbs fetches them with the operator's token, since addresses may need
// a signature: a few at once, and only while a frame shows them.

const AT_ONCE = 6;
const CACHED = 240; // pictures off the screen
const LONGEST_RETRY = 30_000; // ms

export class Thumbs {
  #api;
  #queue = []; // of jobs, the oldest first
  #running = 0;
  #shown = new Map(); // frame → job
  #cache = new Map(); // "id width" → address of the blob, the latest used last

  constructor(api) {
    this.#api = api;
  }

  // show fills a frame, an element that contains one img. It sets data-state to
  // loading, ready, waiting (for the decoder) or none.
  show(frame, id, width = 320) {
    if (this.#shown.has(frame)) return;
    const job = { frame, id, width, key: `${id} ${width}`, abort: null, timer: 0, tries: 0 };
    this.#shown.set(frame, job);
    const cached = this.#cache.get(job.key);
    if (cached) {
      this.#cache.delete(job.key);
      this.#put(job, cached);
      return;
    }
    frame.dataset.state = "loading";
    this.#queue.push(job);
    this.#next();
  }

  // hide empties a frame that is off the screen.
  hide(frame) {
    const job = this.#shown.get(frame);
    if (!job) return;
    this.#shown.delete(frame);
    this.#queue = this.#queue.filter((other) => other !== job);
    clearTimeout(job.timer);
    job.abort?.abort();
    if (!job.address) return;

    frame.querySelector("img").removeAttribute("src");
    const older = this.#cache.get(job.key);
    if (older) URL.revokeObjectURL(older); // two frames showed it
    this.#cache.delete(job.key);
    this.#cache.set(job.key, job.address);
    for (const [key, address] of this.#cache) {
      if (this.#cache.size <= CACHED) break;
      this.#cache.delete(key);
      URL.revokeObjectURL(address);
    }
  }

  // clear empties all frames and the cache.
  clear() {
    for (const frame of [...this.#shown.keys()]) this.hide(frame);
    for (const address of this.#cache.values()) URL.revokeObjectURL(address);
    this.#cache.clear();
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

  // It retries where the picture is not decoded yet, or the service is busy.
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
