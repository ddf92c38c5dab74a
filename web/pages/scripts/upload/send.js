// Sending one file as one request.

import { noAnswer, verdictOf } from "./answer.js";

const STALLED = 60e3; // ms without a byte gone or an answer, after which it is tried anew

/**
 * @param {import("./queue.js").Item} item
 * @param {string} base path of the link
 * @param {AbortSignal} signal
 * @param {(bytes: number) => void} sent called as bytes go
 * @returns {Promise<import("./answer.js").Verdict>}
 */
export function sendWhole(item, base, signal, sent) {
  return new Promise((resolve) => {
    const request = new XMLHttpRequest();
    const stalled = patience(() => request.abort());
    request.open("POST", `${base}?filename=${encodeURIComponent(item.name)}`);
    request.setRequestHeader("Accept", "application/json");
    request.setRequestHeader("Content-Type", "application/octet-stream");
    request.upload.onprogress = (event) => {
      stalled.again();
      sent(event.loaded);
    };
    request.onloadend = () => {
      stalled.end();
      signal.removeEventListener("abort", stop);
      resolve(request.status === 0 ? noAnswer()
        : verdictOf(request.status, request.responseText, request.getResponseHeader("Retry-After")));
    };
    const stop = () => request.abort();
    signal.addEventListener("abort", stop);
    request.send(item.file);
  });
}

/** Calls stop when nothing has happened for too long. */
export function patience(stop) {
  let timer = setTimeout(stop, STALLED);
  return {
    again() {
      clearTimeout(timer);
      timer = setTimeout(stop, STALLED);
    },
    end: () => clearTimeout(timer),
  };
}
