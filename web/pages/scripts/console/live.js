// The live feed of the service's events.

import { parser } from "./sse.js";

const SILENCE = 40_000; // ms; the service sends something every 15 s
const LONGEST_WAIT = 30_000; // ms

// wait returns the ms before the next attempt: doubled each time, with jitter, so
// that many consoles do not reconnect at once.
export function wait(failures, random = Math.random()) {
  return Math.min(LONGEST_WAIT, 1000 * 2 ** failures) * (0.5 + random / 2);
}

// Live dispatches "stats" and "upload" with the event's document as detail, and
// "state" when state changes: connecting, live or waiting.
export class Live extends EventTarget {
  #api;
  #stopped = null;
  #wake = () => {};

  constructor(api) {
    super();
    this.#api = api;
    this.state = "connecting";
    this.stats = null; // the latest document of a stats event
  }

  start() {
    const stopped = new AbortController();
    this.#stopped = stopped;
    const signal = stopped.signal;
    addEventListener("online", () => this.#wake(), { signal });
    document.addEventListener("visibilitychange", () => document.hidden || this.#wake(), { signal });
    this.#run(signal);
  }

  stop() {
    this.#stopped?.abort();
    this.stats = null;
  }

  async #run(signal) {
    for (let failures = 0; !signal.aborted; failures++) {
      this.#become("connecting");
      try {
        await this.#listen(signal, () => {
          failures = 0;
          this.#become("live");
        });
      } catch (error) {
        if (signal.aborted || error.status === 401 || error.status === 403) return;
      }
      if (signal.aborted) return;
      this.#become("waiting");
      await this.#pause(wait(failures), signal);
    }
  }

  // listen reads one connection to its end, and ends one that stays silent.
  async #listen(signal, onEvent) {
    const connection = new AbortController();
    const cut = () => connection.abort();
    signal.addEventListener("abort", cut);
    let silence = setTimeout(cut, SILENCE);
    try {
      const response = await this.#api.request("GET", "/v1/stats/live", { accept: "text/event-stream", signal: connection.signal });
      const read = parser((name, data) => {
        onEvent();
        this.#dispatch(name, JSON.parse(data));
      });
      const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
      for (;;) {
        const { done, value } = await reader.read();
        if (done) return;
        clearTimeout(silence);
        silence = setTimeout(cut, SILENCE);
        read(value);
      }
    } finally {
      clearTimeout(silence);
      signal.removeEventListener("abort", cut);
    }
  }

  #dispatch(name, detail) {
    if (name === "stats") this.stats = detail;
    this.dispatchEvent(new CustomEvent(name, { detail }));
  }

  #become(state) {
    if (this.state === state) return;
    this.state = state;
    this.dispatchEvent(new Event("state"));
  }

  #pause(time, signal) {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, time);
      this.#wake = () => {
        clearTimeout(timer);
        resolve();
      };
      signal.addEventListener("abort", () => this.#wake(), { once: true });
    });
  }
}
