// Files whose sending has begun and not ended, kept in the browser, so that they
// can go on after the page is loaded again.

const MOST_BYTES = 512 << 20;
const STORE = "files";

/** What is kept of one link's files. Without a database, as in some private windows, nothing is. */
export class Unfinished {
  #link;
  #until;
  #opened;
  #bytes = 0;

  /** @param {{id: string, expires_at: string}} link */
  constructor(link) {
    this.#link = link.id;
    this.#until = Date.parse(link.expires_at);
  }

  /** Keeps an item's file until drop. */
  async keep(item) {
    if (!item.sum || this.#bytes + item.size > MOST_BYTES) return;
    this.#bytes += item.size;
    await this.#try("readwrite", (files) => files.put({
      key: this.#key(item.sum), link: this.#link, until: this.#until,
      sum: item.sum, name: item.name, file: item.file,
    }));
  }

  async drop(sum) {
    await this.#try("readwrite", (files) => files.delete(this.#key(sum)));
  }

  /** Lists this link's files, and removes those of links that have ended. */
  async list() {
    const all = (await this.#try("readonly", (files) => files.getAll())) ?? [];
    const ended = all.filter((kept) => kept.until < Date.now());
    for (const { key } of ended) await this.#try("readwrite", (files) => files.delete(key));
    this.#bytes = all.reduce((sum, kept) => sum + kept.file.size, 0);
    return all.filter((kept) => kept.link === this.#link && !ended.includes(kept));
  }

  #key = (sum) => `${this.#link} ${sum}`;

  async #try(mode, act) {
    try {
      const db = await (this.#opened ??= open());
      return await done(act(db.transaction(STORE, mode).objectStore(STORE)));
    } catch {
      return undefined; // it is a help, no need
    }
  }
}

function open() {
  const request = indexedDB.open("inlet-unfinished", 1);
  request.onupgradeneeded = () => request.result.createObjectStore(STORE, { keyPath: "key" });
  return done(request);
}

const done = (request) => new Promise((resolve, reject) => {
  request.onsuccess = () => resolve(request.result);
  request.onerror = () => reject(request.error);
});
