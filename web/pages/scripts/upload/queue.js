// The queue of a visit's files. Each file is read, compared with the stored
// pictures, sent, and answered.

import { closes, delay } from "./answer.js";

const AT_ONCE = 3; // files sent at the same time
const LARGE = 8 << 20; // bytes; larger files are sent resumably
const ATTEMPTS = 6; // without progress, before a file fails

const ENDED = new Set(["stored", "duplicate", "known", "refused", "failed", "cancelled"]);

/** One file and its state. */
export class Item {
  state = "waiting";
  code = ""; // why it was refused or failed: a code of problem documents
  image = ""; // the picture's id
  sum = ""; // SHA-256 in hex, "" until it is read
  gps = ""; // see worker/gps.js
  sent = 0; // bytes that the browser sent
  confirmed = 0; // bytes that the service confirmed
  upload = null; // address of its resumable upload
  resumable = false;
  twins = []; // items with the same bytes that wait for this one
  control = null; // AbortController while it is being sent

  constructor(file, name = file.name) {
    this.file = file;
    this.name = name;
    this.size = file.size;
  }

  get ended() { return ENDED.has(this.state); }
  get arrived() { return this.state === "stored" || this.state === "duplicate" || this.state === "known"; }
  get active() { return this.control !== null; }
}

/**
 * Runs every file through its steps. The options hold everything that differs
 * between a browser and a test.
 */
export class Queue {
  items = [];
  closed = ""; // why the link accepts no more files: a code of problem documents
  #toRead = [];
  #ready = [];
  #bySum = new Map(); // the first item of each sum; its twins share its outcome
  #reading = false;
  #sending = 0;

  /**
   * @param {object} o
   * @param {{read: (file: File) => Promise<{sum: string, gps: string}>}} o.reader
   * @param {{add: (item: Item) => void, flush: (hungry: boolean) => void}} o.known
   * @param {(item: Item, signal: AbortSignal, on: object) => Promise<object>} o.sendWhole
   * @param {(item: Item, signal: AbortSignal, on: object) => Promise<object>} o.sendResumable
   * @param {{wait: (ms: number, signal: AbortSignal) => Promise<void>,
   *   back: (signal: AbortSignal, lost: () => void) => Promise<boolean>}} o.connection
   * @param {() => Promise<boolean>} o.usedUp asks the service whether the link is used up
   * @param {number} o.maxFileBytes
   * @param {(item: Item) => void} o.changed called with each item whose state changed
   * @param {(code: string) => void} o.ended called once, when the link closes
   */
  constructor(o) {
    this.o = o;
  }

  /** Adds files, and refuses those that are too large. Returns the new items. */
  add(files) {
    return this.#take(Array.from(files, (file) => new Item(file)));
  }

  /** Adds files that an earlier visit began to send. Returns the new items. */
  addUnfinished(files) {
    return this.#take(files.map(({ file, name, sum }) => Object.assign(new Item(file, name), { sum, resumable: true })));
  }

  #take(items) {
    this.items.push(...items);
    for (const item of items) {
      if (this.closed) this.#end(item, "refused", this.closed);
      else if (item.size > this.o.maxFileBytes) this.#end(item, "refused", "too-large");
      else this.#toRead.push(item);
    }
    this.#read();
    return items;
  }

  pause(item) {
    if (item.ended || item.state === "paused") return;
    this.#set(item, "paused");
    item.control?.abort("pause");
    this.#pump();
  }

  resume(item) {
    if (item.state !== "paused" || this.closed) return;
    this.#again(item);
  }

  cancel(item) {
    if (item.ended) return;
    this.#end(item, "cancelled");
    item.control?.abort("cancel");
    this.#pump();
  }

  retry(item) {
    if (!item.ended || item.arrived || this.closed) return;
    item.sent = item.confirmed = 0;
    item.code = "";
    this.#again(item);
  }

  pauseAll() {
    for (const item of this.items) this.pause(item);
  }

  resumeAll() {
    for (const item of this.items) this.resume(item);
  }

  cancelAll() {
    for (const item of this.items) this.cancel(item);
  }

  retryAll() {
    for (const item of this.items) if (item.state === "failed") this.retry(item);
  }

  /** Stops the queue for a reason. Files that are being sent may still arrive. */
  close(code) {
    if (this.closed) return;
    this.closed = code;
    for (const item of this.items) if (!item.ended && !item.active) this.#end(item, "refused", code);
    this.o.ended(code);
  }

  /** Takes the id of the stored picture with an item's bytes; without one, the item is sent. */
  compared(item, image) {
    if (item.state !== "checking") return;
    if (!image) return this.#makeReady(item);
    item.image = image;
    this.#end(item, "known");
  }

  /** Whether all items have ended. */
  get idle() {
    return this.items.every((item) => item.ended);
  }

  /** Whether all items that have not ended are paused. */
  get paused() {
    return !this.idle && this.items.every((item) => item.ended || item.state === "paused");
  }

  #set(item, state, code = "") {
    item.state = state;
    item.code = code;
    this.o.changed(item);
  }

  /** Starts a stopped item again, at the step that it had reached. */
  #again(item) {
    if (item.sum) {
      this.#compare(item);
      this.#feed();
    } else {
      this.#set(item, "waiting");
      this.#toRead.push(item);
      this.#read();
    }
  }

  async #read() {
    if (this.#reading) return;
    this.#reading = true;
    for (let item; (item = this.#toRead.shift()); ) {
      if (item.state === "waiting") await this.#readOne(item);
    }
    this.#reading = false;
    this.#feed();
  }

  async #readOne(item) {
    this.#set(item, "reading");
    try {
      if (!item.sum) Object.assign(item, await this.o.reader.read(item.file));
    } catch {
      if (item.state === "reading") this.#end(item, "failed", "unreadable");
      return;
    }
    if (item.state !== "reading") return; // paused or cancelled meanwhile
    this.#compare(item);
    this.#feed();
  }

  /** Compares the waiting items, at once where too few are ready to send. */
  #feed() {
    const hungry = this.#ready.length + this.#sending < AT_ONCE || !this.#reading;
    this.o.known.flush(hungry);
    this.#pump();
  }

  #compare(item) {
    const first = this.#bySum.get(item.sum);
    if (!item.sum) {
      this.#makeReady(item);
    } else if (first?.arrived && first !== item) {
      item.image = first.image;
      this.#end(item, "known");
    } else if (first && first !== item && !first.ended) {
      first.twins.push(item);
      this.#set(item, "twin");
    } else {
      this.#bySum.set(item.sum, item);
      this.#set(item, "checking");
      this.o.known.add(item);
    }
  }

  #makeReady(item) {
    this.#set(item, "ready");
    this.#ready.push(item);
    this.#pump();
  }

  #pump() {
    while (this.#sending < AT_ONCE && !this.closed && this.#ready.length > 0) {
      const item = this.#ready.shift();
      if (item.state === "ready" && !item.active) this.#send(item);
    }
  }

  async #send(item) {
    const control = (item.control = new AbortController());
    this.#sending++;
    try {
      await this.#attempts(item, control.signal);
    } catch (error) {
      if (!control.signal.aborted) {
        console.error(error);
        this.#end(item, "failed", "internal");
      }
    } finally {
      this.#sending--;
      item.control = null;
      // The visitor paused and resumed it before the attempt ended.
      if (item.state === "ready") this.#ready.push(item);
      if (this.closed && !item.ended) this.#end(item, "refused", this.closed);
      this.#feed();
    }
  }

  async #attempts(item, signal) {
    for (let attempt = 0; ; attempt++) {
      const before = item.confirmed;
      const verdict = await this.#once(item, signal);
      if (signal.aborted) return;
      if (verdict.kind !== "again") return this.#settle(item, verdict);
      if (item.confirmed > before) attempt = 0; // it made progress
      item.resumable ||= Boolean(verdict.network);
      item.sent = item.confirmed;
      if (attempt + 1 >= ATTEMPTS) return this.#end(item, "failed", verdict.code);
      this.#set(item, "retrying");
      if (verdict.network) await this.o.connection.back(signal, () => this.#set(item, "offline"));
      await this.o.connection.wait(delay(attempt, verdict.after), signal);
    }
  }

  #once(item, signal) {
    this.#set(item, "sending");
    const on = {
      sent: (bytes) => this.#progress(item, signal, "sent", bytes),
      confirmed: (bytes) => this.#progress(item, signal, "confirmed", bytes),
    };
    const send = item.resumable || item.size > LARGE ? this.o.sendResumable : this.o.sendWhole;
    return send(item, signal, on);
  }

  #progress(item, signal, what, bytes) {
    if (signal.aborted) return;
    item[what] = Math.min(bytes, item.size);
    if (item.sent < item.size) this.o.changed(item);
    else if (item.state === "sending") this.#set(item, "confirming");
  }

  async #settle(item, verdict) {
    switch (verdict.kind) {
      case "accepted":
        item.image = verdict.id;
        return this.#end(item, verdict.status);
      case "refused":
        return this.#end(item, "refused", verdict.code);
      case "closed":
        this.#end(item, "refused", verdict.code);
        // Where only the bytes ran out, the link may still accept a smaller file.
        if (verdict.code !== "link-exhausted" || (await this.o.usedUp())) this.close(verdict.code);
        return;
      default:
        this.#end(item, "failed", verdict.code);
    }
  }

  #end(item, state, code = "") {
    item.sent = item.confirmed = state === "stored" || state === "duplicate" ? item.size : 0;
    this.#set(item, state, code);
    const twins = item.twins.splice(0);
    for (const twin of twins) {
      if (twin.state !== "twin") continue;
      if (item.arrived) {
        twin.image = item.image;
        this.#end(twin, "known");
      } else if (state === "refused" && !closes(code)) {
        this.#end(twin, state, code); // the same bytes, the same answer
      } else {
        this.#again(twin);
      }
    }
  }
}
