// Sends one file as one request.

import { noAnswer, verdictOf } from "./answer.js";

const STALLED = 60e3; // ms without progress, after which the queue retries

/**
 * @param {import("./queue.js").Item} item
 * @param {string} base path of the link
 * @param {AbortSignal} signal
 * @param {(bytes: number) => void} sent called as the browser sends bytes
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

/** Calls stop after STALLED ms without a call of again. */
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
