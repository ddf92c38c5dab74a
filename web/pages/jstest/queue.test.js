import assert from "node:assert/strict";
import test from "node:test";
import { Known } from "../scripts/upload/known.js";
import { Queue } from "../scripts/upload/queue.js";

const file = (name, size = 100, content = name) => ({ name, size, content });
const stored = (item) => ({ kind: "accepted", status: "stored", id: `id of ${item.name}` });

/** Returns a queue that sends by `send`, and a record of its calls. */
function setup({ send = async (item) => stored(item), known = new Map(), usedUp = true } = {}) {
  const seen = { sent: [], resumable: [], asked: [], ended: [] };
  const asking = new Known(async (sums) => { seen.asked.push(sums.length); return known; },
    (item, image) => queue.compared(item, image));
  const queue = new Queue({
    reader: { read: async ({ content }) => ({ sum: content, gps: "" }) },
    known: asking,
    connection: { wait: async () => {}, back: async () => {} },
    maxFileBytes: 64e6,
    sendWhole: (item, signal, on) => { seen.sent.push(item.name); return send(item, signal, on); },
    sendResumable: (item, signal, on) => { seen.resumable.push(item.name); return send(item, signal, on); },
    usedUp: async () => usedUp,
    changed: () => {},
    ended: (code) => seen.ended.push(code),
  });
  return { queue, seen };
}

async function until(condition) {
  for (let i = 0; i < 10000 && !condition(); i++) await new Promise((r) => setImmediate(r));
  assert.ok(condition(), "did not happen");
}

const states = (queue) => queue.items.map((item) => item.state);

test("stored files are not sent, twins are sent once, large files are sent resumably", async () => {
  const { queue, seen } = setup({ known: new Map([["known", "id of known"]]) });
  queue.add([file("known"), file("a"), file("b", 100, "a"), file("large", 9e6 * 2), file("huge", 65e6)]);
  await until(() => queue.idle);
  assert.deepEqual(states(queue), ["known", "stored", "known", "stored", "refused"]);
  assert.equal(queue.items[0].image, "id of known");
  assert.deepEqual([seen.sent, seen.resumable], [["a"], ["large"]]);
  assert.equal(queue.items[2].image, "id of a");
  assert.equal(queue.items[4].code, "too-large");
});

test("requests for known files grow while there is enough to send", async () => {
  const { queue, seen } = setup();
  queue.add(Array.from({ length: 500 }, (_, i) => file(`f${i}`)));
  await until(() => queue.idle);
  assert.equal(seen.sent.length, 500);
  assert.equal(seen.asked.reduce((a, b) => a + b), 500);
  assert.ok(seen.asked[0] < 10, `the first has ${seen.asked[0]}`);
});

test("no more than three at once; pause, resume, cancel, retry", async () => {
  const open = new Map();
  const { queue } = setup({
    send: (item, signal) => new Promise((resolve) => {
      open.set(item.name, resolve);
      signal.addEventListener("abort", () => { open.delete(item.name); resolve({ kind: "again", network: true }); });
    }),
  });
  queue.add(["a", "b", "c", "d"].map((name) => file(name)));
  await until(() => open.size === 3);
  const [a, b] = queue.items;
  queue.pause(a);
  queue.cancel(b);
  await until(() => open.has("d"));
  assert.deepEqual(states(queue).slice(0, 2), ["paused", "cancelled"]);
  queue.resume(a);
  queue.retry(b);
  await until(() => open.size === 3);
  queue.pauseAll();
  assert.ok(queue.paused);
  await until(() => open.size === 0);
  queue.resumeAll();
  while (!queue.idle) {
    await until(() => open.size > 0 || queue.idle);
    for (const [name, resolve] of open) { open.delete(name); resolve({ kind: "accepted", status: "stored", id: name }); }
  }
  assert.deepEqual(states(queue), ["stored", "stored", "stored", "stored"]);
});

test("after a lost connection a file is sent resumably; in the end it fails", async () => {
  const { queue, seen } = setup({ send: async () => ({ kind: "again", code: "network", network: true }) });
  queue.add([file("a")]);
  await until(() => queue.idle);
  assert.deepEqual([states(queue), seen.sent.length, seen.resumable.length], [["failed"], 1, 5]);
  queue.o.sendResumable = async (item) => stored(item);
  queue.retryAll();
  await until(() => queue.idle);
  assert.deepEqual(states(queue), ["stored"]);
});

test("a closed link stops the queue; arrived files stay", async () => {
  const { queue, seen } = setup({
    send: async (item) => (item.name === "f3" ? { kind: "closed", code: "link-revoked" } : stored(item)),
  });
  queue.add(Array.from({ length: 50 }, (_, i) => file(`f${i}`)));
  await until(() => queue.idle);
  assert.deepEqual(seen.ended, ["link-revoked"]);
  const arrived = queue.items.filter((item) => item.arrived).length;
  assert.ok(arrived >= 3 && arrived < 10, `${arrived} have arrived`);
  assert.equal(queue.items.at(-1).code, "link-revoked");
  queue.add([file("later")]);
  assert.deepEqual([queue.items.at(-1).state, queue.items.at(-1).code], ["refused", "link-revoked"]);
});

test("where only bytes run out, smaller files are still sent", async () => {
  const { queue, seen } = setup({
    usedUp: false,
    send: async (item) => (item.size > 500 ? { kind: "closed", code: "link-exhausted" } : stored(item)),
  });
  queue.add([file("a"), file("b", 1000), file("c")]);
  await until(() => queue.idle);
  assert.deepEqual([states(queue), seen.ended], [["stored", "refused", "stored"], []]);
});

test("a file that cannot be read fails alone", async () => {
  const { queue } = setup();
  queue.o.reader.read = async ({ name }) => { if (name === "bad") throw new Error("gone"); return { sum: name }; };
  queue.add([file("bad"), file("good")]);
  await until(() => queue.idle);
  assert.deepEqual([states(queue), queue.items[0].code], [["failed", "stored"], "unreadable"]);
});
