import assert from "node:assert/strict";
import test from "node:test";
import { delay, verdictOf, verdictOfEntry, wait } from "../scripts/upload/answer.js";

const problem = (code, status, results) => JSON.stringify({ code, status, results });

test("verdicts on a file", () => {
  const stored = JSON.stringify({ results: [{ filename: "a", status: "stored", id: "7" }] });
  assert.deepEqual(verdictOf(201, stored, null), { kind: "accepted", status: "stored", id: "7" });
  const refused = [{ filename: "a", status: "rejected", error: { code: "unsupported-format", status: 415 } }];
  const cases = [
    [415, problem("unsupported-format", 415, refused), "refused", "unsupported-format"],
    [422, problem("undecodable", 422), "refused", "undecodable"],
    [413, "<html>of a proxy</html>", "refused", "too-large"],
    [410, problem("link-expired", 410), "closed", "link-expired"],
    [410, problem("link-exhausted", 410), "closed", "link-exhausted"],
    [403, problem("link-invalid", 403), "closed", "link-invalid"],
    [503, problem("unavailable", 503), "again", "unavailable"],
    [429, problem("rate-limited", 429), "again", "rate-limited"],
    [502, "<html>of a proxy</html>", "again", "internal"],
    [500, problem("internal", 500), "failed", "internal"],
    [400, problem("bad-request", 400), "failed", "bad-request"],
    [200, "", "failed", "internal"],
  ];
  for (const [status, body, kind, code] of cases) {
    const verdict = verdictOf(status, body, null);
    assert.equal(verdict.kind, kind, `${status} ${body}`);
    assert.equal(verdict.code, code, `${status} ${body}`);
  }
});

test("verdicts on a resumable upload's entry", () => {
  assert.deepEqual(verdictOfEntry({ status: "duplicate", id: "1" }), { kind: "accepted", status: "duplicate", id: "1" });
  assert.equal(verdictOfEntry({ status: "rejected", error: { code: "unavailable", status: 503 } }, "3").after, 3000);
});

test("Retry-After in seconds and as a date", () => {
  assert.equal(wait("7"), 7000);
  assert.equal(wait("Fri, 27 Nov 2026 07:00:10 GMT", Date.UTC(2026, 10, 27, 7)), 10e3);
  assert.equal(wait("Fri, 27 Nov 2026 07:00:10 GMT", Date.UTC(2026, 10, 27, 8)), 0);
  for (const none of [null, "", "soon"]) assert.equal(wait(none), 0);
  assert.equal(wait("99999"), 300e3);
});

test("each attempt waits twice as long, within bounds", () => {
  assert.deepEqual([0, 1, 2, 20].map((n) => delay(n, 0, 0.5)), [1000, 2000, 4000, 30e3]);
  assert.equal(delay(0, 0, 0), 750);
  assert.equal(delay(0, 9000, 0), 9000);
});
