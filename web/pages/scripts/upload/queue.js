// The files of a visit and the way of each: read, compared with what the service
// has, sent, and answered.

import { closes, delay } from "./answer.js";

const AT_ONCE = 3; // files on their way
const LARGE = 8 << 20; // bytes from which on a file is sent so that it can be resumed
const ATTEMPTS = 6; // while the service can be reached

/** States in which nothing happens any more by itself. */
const ENDED = new Set(["stored", "duplicate", "known", "refused", "failed", "cancelled"]);

/** One file and where it stands. */
export class Item {
  state = "waiting";
  code = ""; // why it was refused or has failed, as in problem documents
  image = ""; // the id under which it can be fetched
  sum = ""; // SHA-256, once read
  place = ""; // see worker/place.js
  sent = 0; // bytes that have left
  sure = 0; // bytes that the service has confirmed
  upload = null; // address of its resumable upload
  resumable = false;
  twins = []; // items with the same bytes that wait for this one
  control = null; // AbortController of the sending

  constructor(id, file, name = file.name) {
    this.id = id;
    this.file = file;
    this.name = name;
    this.size = file.size;
  }

  get ended() { return ENDED.has(this.state); }
  get arrived() { return this.state === "stored" || this.state === "duplicate" || this.state === "known"; }
  get active() { return this.control !== null; }
}

/**
 * Takes every file through its way. All that differs between a browser and a
 * test is given to it.
 */
export class Queue {
  items = [];
  closed = ""; // the code of why the link takes nothing any more
  #toRead = [];
  #ready = [];
  #bySum = new Map(); // the item whose outcome is that of its twins
  #reading = false;
  #sending = 0;
  #last = 0;

  /**
   * @param {object} o
   * @param {{read: (file: File) => Promise<{sum: string, place: string}>}} o.reader
   * @param {{add: (item: Item) => void, flush: (hungry: boolean) => void}} o.known
   * @param {(item: Item, signal: AbortSignal, on: object) => Promise<object>} o.sendWhole
   * @param {(item: Item, signal: AbortSignal, on: object) => Promise<object>} o.sendResumable
   * @param {{wait: (ms: number, signal: AbortSignal) => Promise<void>,
   *   back: (signal: AbortSignal, lost: () => void) => Promise<boolean>}} o.connection
   * @param {() => Promise<boolean>} o.usedUp asks whether the link is
   * @param {number} o.maxFileBytes
   * @param {(item: Item) => void} o.changed
   * @param {(code: string) => void} o.ended called once, when the link is
   */
  constructor(o) {
    this.o = o;
  }

  /** Adds files. What is too large is not sent at all. */
  add(files) {
    const added = Array.from(files, (file) => new Item(++this.#last, file));
    this.#take(added);
    return added;
  }

  /** Adds files whose sending an earlier visit has begun. */
  addUnfinished(kept) {
    const added = kept.map(({ file, name, sum }) => {
      const item = new Item(++this.#last, file, name);
      item.sum = sum;
      item.resumable = true;
      return item;
    });
    this.#take(added);
    return added;
  }

  #take(added) {
    this.items.push(...added);
    for (const item of added) {
      if (this.closed) this.#end(item, "refused", this.closed);
      else if (item.size > this.o.maxFileBytes) this.#end(item, "refused", "too-large");
      else this.#toRead.push(item);
    }
    this.#read();
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
    item.sent = item.sure = 0;
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

  /** Sends nothing more. What is on its way may still arrive. */
  close(code) {
    if (this.closed) return;
    this.closed = code;
    for (const item of this.items) if (!item.ended && !item.active) this.#end(item, "refused", code);
    this.o.ended(code);
  }

  /** Takes the id of the picture that an item's sum already has, or that it is to be sent. */
  compared(item, image) {
    if (item.state !== "checking") return;
    if (!image) return this.#makeReady(item);
    item.image = image;
    this.#end(item, "known");
  }

  /** Whether nothing is left to do. */
  get idle() {
    return this.items.every((item) => item.ended);
  }

  /** Whether all that is left to do waits for somebody to resume it. */
  get paused() {
    return !this.idle && this.items.every((item) => item.ended || item.state === "paused");
  }

  #set(item, state, code = "") {
    item.state = state;
    item.code = code;
    this.o.changed(item);
  }

  /** Puts an item that was stopped back where it goes on. */
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
    if (item.state !== "reading") return; // it was stopped meanwhile
    this.#compare(item);
    this.#feed();
  }

  /** Asks for what is known as soon as there is nothing else to send. */
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
      // It was paused and resumed before this had ended.
      if (item.state === "ready") this.#ready.push(item);
      if (this.closed && !item.ended) this.#end(item, "refused", this.closed);
      this.#feed();
    }
  }

  async #attempts(item, signal) {
    for (let attempt = 0; ; attempt++) {
      const before = item.sure;
      const verdict = await this.#once(item, signal);
      if (signal.aborted) return;
      if (verdict.kind !== "again") return this.#settle(item, verdict);
      if (item.sure > before) attempt = 0; // it gets on
      item.resumable ||= Boolean(verdict.network);
      item.sent = item.sure;
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
      sure: (bytes) => this.#progress(item, signal, "sure", bytes),
    };
    const way = item.resumable || item.size > LARGE ? this.o.sendResumable : this.o.sendWhole;
    return way(item, signal, on);
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
        // Where only the bytes run out, a smaller file may still have room.
        if (verdict.code !== "link-exhausted" || (await this.o.usedUp())) this.close(verdict.code);
        return;
      default:
        this.#end(item, "failed", verdict.code);
    }
  }

  #end(item, state, code = "") {
    item.sent = item.sure = state === "stored" || state === "duplicate" ? item.size : 0;
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
