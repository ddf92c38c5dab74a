// Turns an answer of the service into a verdict on the file that was sent.

/**
 * accepted: the file has arrived. refused: the service will never accept this
 * file. again: the queue retries by itself, after `after` ms at the earliest.
 * failed: the queue retries when the sender asks. closed: the link accepts no
 * more files.
 *
 * @typedef {{kind: "accepted" | "refused" | "again" | "failed" | "closed",
 *   status?: "stored" | "duplicate", id?: string, code?: string, after?: number,
 *   network?: boolean}} Verdict
 */

const CLOSED = new Set(["link-expired", "link-revoked", "link-invalid", "link-not-yet-valid", "link-exhausted"]);
const REFUSED = new Set(["too-large", "unsupported-format", "undecodable", "too-many-pixels", "too-many-files"]);
// Statuses that pass by themselves, a proxy's own ones included.
const PASSING = new Set([408, 409, 423, 425, 429, 502, 503, 504]);

/** The verdict where no answer came. */
export const noAnswer = () => ({ kind: "again", code: "network", network: true });

/**
 * @param {number} status the answer's HTTP status
 * @param {string} body
 * @param {string | null} retryAfter the header Retry-After
 * @returns {Verdict}
 */
export function verdictOf(status, body, retryAfter) {
  const document = parse(body);
  const entry = document?.results?.[0];
  if (entry) return verdictOfEntry(entry, retryAfter);
  return refusal(document?.code ?? "internal", status, retryAfter);
}

/** @param {{status: string, id?: string, error?: {code: string, status: number}}} entry one of the answer's results */
export function verdictOfEntry(entry, retryAfter = null) {
  if (entry.status === "stored" || entry.status === "duplicate") {
    return { kind: "accepted", status: entry.status, id: entry.id };
  }
  return refusal(entry.error?.code ?? "internal", entry.error?.status ?? 500, retryAfter);
}

/** Whether a code means that the link accepts no more files. */
export const closes = (code) => CLOSED.has(code);

function refusal(code, status, retryAfter) {
  if (CLOSED.has(code)) return { kind: "closed", code };
  if (REFUSED.has(code)) return { kind: "refused", code };
  if (status === 413) return { kind: "refused", code: "too-large" }; // from a proxy
  if (PASSING.has(status)) return { kind: "again", code, after: wait(retryAfter) };
  return { kind: "failed", code };
}

/** Returns the ms that a Retry-After header asks for, at most five minutes. */
export function wait(header, now = Date.now()) {
  if (!header) return 0;
  const ms = /^\s*\d+\s*$/.test(header) ? Number(header) * 1000 : Date.parse(header) - now;
  return Number.isFinite(ms) ? Math.min(Math.max(ms, 0), 300e3) : 0;
}

/** Returns the ms before the next attempt: doubled each time, with jitter. */
export function delay(attempt, atLeast = 0, random = Math.random()) {
  return Math.max(atLeast, Math.min(1000 * 2 ** attempt, 30e3) * (0.75 + random / 2));
}

function parse(text) {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
