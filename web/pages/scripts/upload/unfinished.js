// Stores files in the browser while they are being sent, so that an upload can
// continue after the page is loaded again.

const MOST_BYTES = 512 << 20;
const STORE = "files";

/** The unfinished files of one link. Where IndexedDB is missing, as in some private windows, it stays empty. */
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

  /** Stores an item's file until drop. */
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

  /** Lists this link's files, and removes those of expired links. */
  async list() {
    const all = (await this.#try("readonly", (files) => files.getAll())) ?? [];
    const expired = all.filter((entry) => entry.until < Date.now());
    for (const { key } of expired) await this.#try("readwrite", (files) => files.delete(key));
    this.#bytes = all.reduce((sum, entry) => sum + entry.file.size, 0);
    return all.filter((entry) => entry.link === this.#link && !expired.includes(entry));
  }

  #key = (sum) => `${this.#link} ${sum}`;

  async #try(mode, act) {
    try {
      const db = await (this.#opened ??= open());
      return await done(act(db.transaction(STORE, mode).objectStore(STORE)));
    } catch {
      return undefined; // sending works without the database
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
