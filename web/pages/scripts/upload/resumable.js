// Sends one file by the tus protocol, which resumes after a broken connection.

import { noAnswer, verdictOf, verdictOfEntry } from "./answer.js";
import { patience } from "./send.js";

const CHUNK = 8 << 20; // bytes in one request, lost when it breaks

let library;

/** Loads the library. The page calls it early, while there is a connection. */
export function prepare() {
  library ??= import("../vendor/tus-js-client/tus.min.js").then(() => window.tus);
  library.catch(() => { library = undefined; });
  return library;
}

/**
 * @param {import("./queue.js").Item} item
 * @param {string} base path of the link
 * @param {AbortSignal} signal its reason "cancel" also removes the upload from the service
 * @param {{sent: (bytes: number) => void, confirmed: (bytes: number) => void}} on
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
    retryDelays: null, // the queue retries
    metadata: { filename: item.name },
    // By content, so that two files of one name and size stay apart.
    fingerprint: async () => (item.sum ? `inlet ${item.sum} ${endpoint}` : null),
    removeFingerprintOnSuccess: false, // forget does, once the outcome is known
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
      // Where the service cannot be reached, it removes the upload later by age.
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
      onChunkComplete: (_, bytes) => on.confirmed(bytes),
      onSuccess: async ({ lastResponse }) => end(await resultOf(upload, lastResponse)),
      onError: (error) => end(failureOf(error)),
    });
    signal.addEventListener("abort", stop);
    upload.start();
  });
}

/** Reads the outcome from the last answer; where that was lost, asks for it. */
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
 * Sends every request to this page's origin. The service returns addresses with
 * its public origin, and the visitor may use another one.
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
