// What an answer of the service means for the file that was sent.

/**
 * accepted: it has arrived. refused: it never will, as it is. again: try by
 * yourself, not before `after` ms. failed: try when asked to. closed: the link
 * takes nothing any more.
 *
 * @typedef {{kind: "accepted" | "refused" | "again" | "failed" | "closed",
 *   status?: "stored" | "duplicate", id?: string, code?: string, after?: number,
 *   network?: boolean}} Verdict
 */

const CLOSED = new Set(["link-expired", "link-revoked", "link-invalid", "link-not-yet-valid", "link-exhausted"]);
const REFUSED = new Set(["too-large", "unsupported-format", "undecodable", "too-many-pixels", "too-many-files"]);
// A proxy's own answers, and those that pass by themselves.
const PASSING = new Set([408, 409, 423, 425, 429, 502, 503, 504]);

/** Nothing was answered. */
export const noAnswer = () => ({ kind: "again", code: "network", network: true });

/**
 * @param {number} status of the answer
 * @param {string} body
 * @param {string | null} retryAfter the header
 * @returns {Verdict}
 */
export function verdictOf(status, body, retryAfter) {
  const document = parse(body);
  const entry = document?.results?.[0];
  if (entry) return verdictOfEntry(entry, retryAfter);
  return refusal(document?.code ?? "internal", status, retryAfter);
}

/** @param {{status: string, id?: string, error?: {code: string, status: number}}} entry of the results */
export function verdictOfEntry(entry, retryAfter = null) {
  if (entry.status === "stored" || entry.status === "duplicate") {
    return { kind: "accepted", status: entry.status, id: entry.id };
  }
  return refusal(entry.error?.code ?? "internal", entry.error?.status ?? 500, retryAfter);
}

/** Whether the service says that the link takes nothing. */
export const closes = (code) => CLOSED.has(code);

function refusal(code, status, retryAfter) {
  if (CLOSED.has(code)) return { kind: "closed", code };
  if (REFUSED.has(code)) return { kind: "refused", code };
  if (status === 413) return { kind: "refused", code: "too-large" }; // a proxy says so
  if (PASSING.has(status)) return { kind: "again", code, after: wait(retryAfter) };
  return { kind: "failed", code };
}

/** ms that a Retry-After header asks for; at most five minutes. */
export function wait(header, now = Date.now()) {
  if (!header) return 0;
  const ms = /^\s*\d+\s*$/.test(header) ? Number(header) * 1000 : Date.parse(header) - now;
  return Number.isFinite(ms) ? Math.min(Math.max(ms, 0), 300e3) : 0;
}

/** ms before the next of several attempts: doubled each time, and spread. */
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
