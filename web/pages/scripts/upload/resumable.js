// Sending one file by the tus protocol: what has arrived stays, whatever breaks.

import { noAnswer, verdictOf, verdictOfEntry } from "./answer.js";
import { patience } from "./send.js";

const CHUNK = 8 << 20; // bytes in one request, lost when it breaks

let library;

/** Loads the library. It is asked for early: later there may be no connection. */
export function prepare() {
  library ??= import("../vendor/tus-js-client/tus.min.js").then(() => window.tus);
  library.catch(() => { library = undefined; });
  return library;
}

/**
 * @param {import("./queue.js").Item} item
 * @param {string} base path of the link
 * @param {AbortSignal} signal its reason "cancel" also removes what has arrived
 * @param {{sent: (bytes: number) => void, sure: (bytes: number) => void}} on
 * @returns {Promise<import("./answer.js").Verdict>}
 */
export async function sendResumable(item, base, signal, on) {
  let tus;
  try {
    tus = await prepare();
  } catch {
    return noAnswer();
  }
  const endpoint = `${location.origin}${base}/tus/`;
  const upload = new tus.Upload(item.file, {
    endpoint,
    chunkSize: CHUNK,
    retryDelays: null, // the queue tries again
    metadata: { filename: item.name },
    // By its content: two files of one name and size are not mixed up.
    fingerprint: async () => (item.sum ? `inlet ${item.sum} ${endpoint}` : null),
    removeFingerprintOnSuccess: false, // once the outcome is known
    httpStack: ownOrigin(tus),
  });
  const known = item.sum ? await upload.findPreviousUploads() : [];
  const earlier = item.upload ? { uploadUrl: item.upload } : known.at(-1);
  if (earlier) upload.resumeFromPreviousUpload(earlier);

  const verdict = await run(upload, item, signal, on);
  if (verdict.kind === "accepted" || verdict.kind === "refused") {
    item.upload = null;
    if (item.sum) await forget(tus, upload);
  }
  return verdict;
}

function run(upload, item, signal, on) {
  return new Promise((resolve) => {
    const stop = () => {
      // It may have ended, or the connection: then it is swept later.
      upload.abort(signal.reason === "cancel").catch(() => {});
      end(noAnswer());
    };
    const stalled = patience(stop);
    const end = (verdict) => {
      stalled.end();
      signal.removeEventListener("abort", stop);
      resolve(verdict);
    };
    Object.assign(upload.options, {
      onUploadUrlAvailable: () => { item.upload = upload.url; },
      onProgress: (bytes) => { stalled.again(); on.sent(bytes); },
      onChunkComplete: (_, bytes) => on.sure(bytes),
      onSuccess: async ({ lastResponse }) => end(await resultOf(upload, lastResponse)),
      onError: (error) => end(failureOf(error)),
    });
    signal.addEventListener("abort", stop);
    upload.start();
  });
}

/** The outcome comes with the last answer, and can be asked for where that was lost. */
async function resultOf(upload, lastResponse) {
  const header = lastResponse?.getHeader("Inlet-Result");
  if (header) return verdictOfEntry(JSON.parse(header));
  try {
    const answer = await fetch(`${new URL(upload.url).pathname}/result`);
    if (answer.ok) return verdictOfEntry(await answer.json());
    return verdictOf(answer.status, await answer.text(), answer.headers.get("Retry-After"));
  } catch {
    return noAnswer();
  }
}

function failureOf(error) {
  const response = error.originalResponse;
  if (!response) return noAnswer();
  const header = response.getHeader("Inlet-Result");
  if (header) return verdictOfEntry(JSON.parse(header), response.getHeader("Retry-After"));
  return verdictOf(response.getStatus(), response.getBody(), response.getHeader("Retry-After"));
}

/**
 * The service writes its public origin into the addresses that it returns. The
 * visitor may have come by another one.
 */
function ownOrigin(tus) {
  const stack = new tus.DefaultHttpStack({});
  return {
    createRequest: (method, url) => stack.createRequest(method, location.origin + new URL(url, location.href).pathname),
    getName: () => stack.getName(),
  };
}

async function forget(tus, upload) {
  for (const { urlStorageKey } of await upload.findPreviousUploads()) {
    await tus.defaultOptions.urlStorage.removeUpload(urlStorageKey);
  }
}
