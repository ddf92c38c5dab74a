// Tests of the console's modules for labels and models that need no page.

import assert from "node:assert/strict";
import test from "node:test";

import { Ahead } from "../scripts/console/ahead.js";
import { text } from "../scripts/console/chips.js";
import { offered } from "../scripts/console/filters.js";
import { commonest, confusions } from "../scripts/console/confusion.js";
import { duration, percent } from "../scripts/console/format.js";
import { action } from "../scripts/console/keys.js";
import { isBack, stateOf } from "../scripts/console/modeltable.js";
import { apiFilter, format, parse } from "../scripts/console/route.js";
import { send } from "../scripts/console/selectbar.js";
import { bearers, Selection } from "../scripts/console/selection.js";
import { Sitting } from "../scripts/console/sitting.js";
import { needs, stageOf } from "../scripts/console/training.js";

// Service answers as the API does: pictures by their ids, with labels.
class Service {
  constructor(count, predictions = []) {
    this.images = Array.from({ length: count }, (_, i) => ({
      id: `p${i}`, width: 1, height: 1, format: "png", camera: { name: null }, labels: [], predictions,
    }));
    this.asked = [];
    this.refuses = () => false;
  }

  async get(path) {
    this.asked.push(path);
    if (path === "/v1/labels") {
      return { labels: bearers(this.images).map(([label, images]) => ({ label, images })) };
    }
    const query = new URL(path, "http://service").searchParams;
    const limit = Number(query.get("limit"));
    if (query.get("sort") === "uncertain") {
      return { images: structuredClone(this.images.filter(({ labels }) => labels.length === 0).slice(0, limit)), next: null };
    }
    const from = Number(query.get("cursor") ?? 0);
    const next = from + limit < this.images.length ? String(from + limit) : null;
    return { images: structuredClone(this.images.slice(from, from + limit)), next };
  }

  async put(path, { labels }) {
    this.asked.push(`PUT ${path} ${labels}`);
    if (this.refuses(path)) throw new Error("no");
    const image = this.of(path);
    image.labels = [...labels].sort();
    return { labels: [...image.labels] };
  }

  async post(path, { label }) {
    this.asked.push(`POST ${path} ${label}`);
    if (this.refuses(path)) throw new Error("no");
    const image = this.of(path);
    image.labels = [...new Set([...image.labels, label])].sort();
    return { labels: [...image.labels] };
  }

  of(path) {
    return this.images.find(({ id }) => id === path.split("/")[3]);
  }
}

// sit starts a sitting, and returns it with the failures that it reports.
async function sit(service, options = {}) {
  const sitting = new Sitting({ api: service, ...options });
  const failures = [];
  sitting.addEventListener("failed", ({ detail }) => failures.push(detail));
  await sitting.start();
  return { sitting, failures };
}

// saved waits until the service has answered to every change.
function saved(sitting) {
  return new Promise((resolve) => {
    if (!sitting.saving) return resolve();
    sitting.addEventListener("change", () => !sitting.saving && resolve());
  });
}

const counts = (sitting) => sitting.labels.map(({ label, images }) => `${label} ${images}`).join(", ");

test("a sitting shows a change at once, saves it, and takes it back", async () => {
  const service = new Service(5);
  const { sitting } = await sit(service);
  sitting.add("cat");
  assert.deepEqual(sitting.current.labels, ["cat"]);
  assert.ok(sitting.saving);
  await sitting.move(1);
  sitting.add("dog");
  sitting.toggle("cat");
  assert.equal(sitting.done, 2);
  assert.equal(counts(sitting), "cat 2, dog 1");
  await saved(sitting);
  assert.deepEqual(service.images.slice(0, 2).map(({ labels }) => labels), [["cat"], ["cat", "dog"]]);

  assert.equal(sitting.undo().id, "p1");
  assert.deepEqual(sitting.current.labels, ["dog"]);
  sitting.undo();
  assert.equal(sitting.undo().id, "p0");
  assert.equal(sitting.at, 0);
  assert.deepEqual([sitting.undoable, sitting.undo(), sitting.done, counts(sitting)], [false, null, 0, "cat 0, dog 0"]);
  await saved(sitting);
  assert.ok(service.images.every(({ labels }) => labels.length === 0));
});

test("changes of one picture are saved in their order", async () => {
  const service = new Service(2);
  const { sitting } = await sit(service);
  for (const label of ["a", "b", "a", "c"]) sitting.toggle(label);
  await saved(sitting);
  assert.deepEqual(service.asked.filter((line) => line.startsWith("PUT")),
    ["a", "a,b", "b", "b,c"].map((labels) => `PUT /v1/images/p0/labels ${labels}`));
  assert.deepEqual(service.images[0].labels, ["b", "c"]);
});

test("an accepted prediction is added by the service", async () => {
  const service = new Service(2, [{ label: "cat", probability: 0.9 }]);
  const { sitting } = await sit(service);
  sitting.accept("cat");
  sitting.accept("cat");
  await saved(sitting);
  assert.deepEqual(service.asked.filter((line) => line.startsWith("POST")), ["POST /v1/images/p0/predictions/accept cat"]);
  assert.deepEqual(service.images[0].labels, ["cat"]);
  sitting.predicted({ id: "p0", predictions: [{ label: "dog", probability: 0.8 }] });
  assert.equal(sitting.current.predictions[0].label, "dog");
});

test("a change that is not saved is taken back and can be repeated", async () => {
  const service = new Service(3);
  const { sitting, failures } = await sit(service);
  sitting.add("kept");
  await saved(sitting);
  service.refuses = (path) => path.includes("p0");
  sitting.add("lost");
  await sitting.move(1);
  sitting.add("kept");
  await saved(sitting);
  assert.deepEqual(failures.map(({ picture, problem }) => [picture.id, problem.message, picture.labels]), [["p0", "no", ["kept"]]]);
  assert.equal(counts(sitting), "kept 2, lost 0");

  service.refuses = () => false;
  failures[0].again();
  await saved(sitting);
  assert.deepEqual(service.images[0].labels, ["kept", "lost"]);
  assert.equal(sitting.undo().id, "p0", "the repeated change is the last");
  assert.equal(sitting.undo().id, "p1", "the failed one is none");
});

test("a failure in the middle is told even if a later change succeeds", async () => {
  const service = new Service(1, [{ label: "cat", probability: 0.9 }]);
  const { sitting, failures } = await sit(service);
  service.refuses = (path) => path.endsWith("/labels");
  sitting.add("dog");
  sitting.accept("cat");
  await saved(sitting);
  assert.equal(failures.length, 1);
  assert.deepEqual(sitting.current.labels, ["cat"]);
});

test("the queue of uncertain pictures refills and ends", async () => {
  const service = new Service(60);
  const { sitting } = await sit(service);
  for (let i = 0; sitting.current; i++) {
    assert.ok(i < 60, "no picture comes twice");
    if (i % 3 > 0) sitting.add("cat"); // the others are skipped, and come no more
    await sitting.move(1);
  }
  await saved(sitting);
  assert.equal(sitting.at, 60);
  assert.ok(sitting.ended);
  assert.equal(sitting.done, 40);
  await sitting.move(1);
  assert.equal(sitting.at, 60);
  await sitting.move(-1);
  assert.equal(sitting.current.id, sitting.around(0, 0)[0]);

  service.images.push(...new Service(1).images.map((image) => ({ ...image, id: "new" })));
  await sitting.again();
  await sitting.move(1);
  assert.equal(sitting.current.id, "new");
});

test("the queue can be the gallery's filter, newest first", async () => {
  const service = new Service(30);
  const { sitting } = await sit(service, { filter: { label: "cat" }, order: "newest" });
  assert.equal(service.asked.find((path) => path.startsWith("/v1/images")), "/v1/images?label=cat&limit=24");
  for (let i = 0; i < 29; i++) await sitting.move(1);
  assert.equal(sitting.current.id, "p29");
  assert.ok(service.asked.includes("/v1/images?label=cat&limit=24&cursor=24"));
  assert.deepEqual(sitting.around(2, 4), ["p29", "p27", "p28"]);
  await sitting.move(1);
  assert.equal(sitting.current, null);
});

test("a queue that cannot be loaded says why", async () => {
  const service = new Service(3);
  const get = service.get;
  service.get = async (path) => {
    if (path.startsWith("/v1/images")) throw new Error("away");
    return get.call(service, path);
  };
  const { sitting } = await sit(service);
  assert.deepEqual([sitting.problem.message, sitting.current, sitting.ended], ["away", null, false]);
  service.get = get;
  await sitting.again();
  assert.deepEqual([sitting.problem, sitting.current.id], [null, "p0"]);
});

test("pictures around the current one are held, and no others", async () => {
  const asked = [];
  const dropped = [];
  const api = { picture: async (id, width, signal) => {
    asked.push(`${id} ${width}`);
    signal.addEventListener("abort", () => dropped.push(id));
    if (id === "broken") throw new Error("no");
    return new Blob([id]);
  } };
  const ahead = new Ahead(api, 640);
  ahead.hold(["a", "b", "broken"]);
  assert.equal(await ahead.get("a"), await ahead.get("a"));
  await assert.rejects(ahead.get("broken"), /no/);
  ahead.hold(["b", "c"]);
  assert.deepEqual(asked, ["a 640", "b 640", "broken 640", "broken 640", "c 640"], "what failed is asked for again");
  assert.deepEqual(dropped, ["a"]);
  ahead.clear();
  assert.deepEqual(dropped, ["a", "b", "c"]);
});

test("the keys of a sitting", () => {
  const at = (selector) => ({ matches: (list) => list.split(", ").includes(selector) });
  const press = (key, more = {}, on = true) => action({ key, target: at("body"), ctrlKey: false, metaKey: false, altKey: false, ...more }, on);
  for (const [key, name] of [["Enter", "accept"], ["ArrowLeft", "back"], ["ArrowRight", "forth"], ["u", "undo"], ["U", "undo"], ["l", "write"], ["?", "help"]]) {
    assert.deepEqual(press(key), { name }, key);
  }
  assert.deepEqual(press("7"), { name: "number", number: 7 });
  for (const key of ["0", "a", "Tab", "Shift"]) assert.equal(press(key), null, key);
  assert.deepEqual(press("z", { ctrlKey: true }), { name: "undo" });
  assert.deepEqual(press("z", { metaKey: true }, false), { name: "undo" }, "with a modifier also while the keys are off");
  assert.equal(press("1", { ctrlKey: true }), null);
  assert.equal(press("1", {}, false), null);
  assert.equal(press("Enter", { target: at("button") }), null, "a button keeps its Enter");
  assert.equal(press("1", { target: at("textarea") }), null);
});

test("a selection toggles, and reaches with Shift", () => {
  const all = ["a", "b", "c", "d", "e"];
  const selection = new Selection();
  selection.reach("b", all);
  selection.reach("d", all);
  assert.deepEqual(selection.ids, ["b", "c", "d"]);
  selection.toggle("c");
  selection.toggle("e");
  selection.reach("a", all);
  assert.deepEqual(selection.ids.sort(), all);
  selection.reach("gone", all);
  selection.drop("a");
  assert.deepEqual([selection.size, selection.has("a"), selection.has("b")], [4, false, true]);
  selection.clear();
  assert.equal(selection.size, 0);
  assert.deepEqual(bearers([{ labels: ["b", "a"] }, { labels: ["b"] }, { labels: [] }]), [["b", 2], ["a", 1]]);
});

test("routes of labelling and models", () => {
  for (const [fragment, route] of [
    ["#/label", { view: "label", picture: null, order: "", filter: {} }],
    ["#/label?order=newest&predicted=cat", { view: "label", picture: null, order: "newest", filter: { predicted: "cat" } }],
    ["#/label?order=other", { view: "label", picture: null, order: "", filter: {} }],
    ["#/models", { view: "models", picture: null, version: null, filter: {} }],
    ["#/models/v3", { view: "models", picture: null, version: "v3", filter: {} }],
    ["#/jobs", { view: "jobs", picture: null, filter: {} }],
    ["#/gallery?labelled=false&predicted=cat&min_probability=0.8&flag=dark",
      { view: "gallery", picture: null, filter: { labelled: "false", predicted: "cat", min_probability: "0.8", flag: "dark" } }],
  ]) {
    assert.deepEqual(parse(fragment), route, fragment);
    assert.deepEqual(parse(format(route)), route, `${fragment} and back`);
  }
  assert.deepEqual(apiFilter({ min_probability: "0.8" }), {}, "a threshold without its label");
  assert.deepEqual(apiFilter({ predicted: "cat", min_probability: "0.8" }), { predicted: "cat", min_probability: "0.8" });
  assert.equal(text("min_probability", "0.8"), "at least 80%");
  assert.equal(text("labelled", "false"), "no");
});

test("a confusion matrix names its pairs and its commonest labels", () => {
  const matrix = [[8, 2, 0], [0, 5, 3], [2, 0, 1]];
  assert.deepEqual(confusions(matrix, ["a", "b", "c"]), [
    { truth: "b", predicted: "c", images: 3 }, { truth: "a", predicted: "b", images: 2 }, { truth: "c", predicted: "a", images: 2 },
  ]);
  assert.deepEqual(commonest(matrix, 2), [0, 1]);
  assert.deepEqual(commonest([[1, 0], [0, 9]], 1), [1]);
});

test("quick filters by a label need the label", () => {
  const unwanted = [{ label: "unwanted" }, { predicted: "unwanted", labelled: "false" }];
  const others = [{ labelled: "false" }, { flag: "sensitive" }];
  assert.deepEqual([...unwanted, ...others].map((filter) => offered(filter, new Set(["cat"]))), [false, false, true, true]);
  assert.deepEqual([...unwanted, ...others].map((filter) => offered(filter, new Set(["unwanted"]))), [true, true, true, true]);
});

test("models are named by what became of them", () => {
  assert.deepEqual([stateOf({ serving: true, promoted: true }), stateOf({ promoted: true }), stateOf({})], ["serving", "earlier", "not promoted"]);
  const back = (version, promoted, serving) => isBack({ version, promoted }, serving);
  assert.deepEqual([back("v9", true, "v10"), back("v10", true, "v9"), back("v1", true, null)], [true, false, false]);
  assert.equal(back("v9", false, "v10"), false, "a model that never served is promoted");
});

test("a first model needs two labels with enough pictures", () => {
  assert.match(needs([]).text, /two labels with 8 pictures each. No picture bears a label yet/);
  assert.match(needs([{ label: "a", images: 9 }, { label: "b", images: 7 }]).text, /One label has so many yet/);
  assert.ok(!needs([{ label: "a", images: 9 }, { label: "b", images: 7 }]).ready);
  assert.ok(needs([{ label: "a", images: 8 }, { label: "b", images: 8 }]).ready);
  assert.deepEqual(stageOf({ stage: "waiting", progress: 0 }), { text: "Waiting for a worker", done: null });
  assert.deepEqual(stageOf({ stage: "curve", progress: 0.8 }), { text: "Measuring the learning curve", done: 0.8 });
  assert.deepEqual(stageOf({ stage: "other", progress: 2 }), { text: "Other", done: 1 });
});

test("shares and durations are formatted", () => {
  assert.deepEqual([0, 0.001, 0.5, 0.925, 0.999, 1].map(percent), ["0%", "<1%", "50%", "93%", ">99%", "100%"]);
  assert.deepEqual([0, 0.4, 59, 61, 3600, 3725, 90061].map(duration), ["0 s", "0 s", "59 s", "1 min 1 s", "1 h", "1 h 2 min", "1 d 1 h"]);
});

test("many pictures are changed a thousand at a time, and a failure keeps those that are done", async () => {
  const pictures = Array.from({ length: 2500 }, (_, i) => ({ id: `p${i}` }));
  const sent = [];
  const api = {
    post: async (path, body) => {
      if (sent.length === 2) throw new Error("no");
      sent.push(body);
    },
  };
  const done = [];
  const change = { add_labels: ["cat"] };
  await assert.rejects(send(api, pictures, change, (some) => done.push(...some)), /no/);
  assert.deepEqual(done, pictures.slice(0, 2000));
  assert.deepEqual(sent[1], { ids: done.slice(1000).map(({ id }) => id), ...change });

  await send(api, [], change, () => assert.fail("there is nothing to do"));
});
