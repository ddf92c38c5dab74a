// A sitting of labelling: the queue of pictures, the changes, and the way back. It
// shows a change at once, and saves it in the background.

const PAGE = 24; // pictures a request
const AHEAD = 8; // it refills below as many pictures to come
const MOST = 500; // pictures that the API returns at once

// Sitting dispatches "change" after everything that the view shows has changed, and
// "failed" with {picture, problem, again} for changes that were not saved and are
// taken back; again repeats them.
export class Sitting extends EventTarget {
  #api;
  #filter;
  #newest;
  #pictures = [];
  #first = new Map(); // id → the labels before this sitting
  #cursor = null;
  #loading = null; // the promise of a refill
  #steps = []; // changes that undo takes back, the latest last
  #unsaved = 0;

  // order is "newest", or "" for the most uncertain pictures without a label.
  constructor({ api, filter = {}, order = "" }) {
    super();
    this.#api = api;
    this.#filter = filter;
    this.#newest = order === "newest";
    this.at = 0;
    this.ended = false; // the queue has no more pictures
    this.problem = null; // of the last refill
    this.labels = []; // {label, images}: the order stays, so numbers keep their labels
  }

  get current() {
    return this.#pictures[this.at] ?? null;
  }

  // done counts the pictures whose labels this sitting has changed.
  get done() {
    return this.#pictures.filter(({ id, labels }) => !equal(labels, this.#first.get(id))).length;
  }

  get saving() {
    return this.#unsaved > 0;
  }

  get undoable() {
    return this.#steps.length > 0;
  }

  // around lists the ids of the pictures from before the current one to after it, those
  // ahead first.
  around(before, after) {
    const from = Math.max(0, this.at - before);
    return [...this.#pictures.slice(this.at, this.at + after + 1), ...this.#pictures.slice(from, this.at)].map(({ id }) => id);
  }

  // start reads the labels and the first pictures.
  async start() {
    await Promise.all([this.refill(), this.count()]);
  }

  // count reads how many pictures bear each label.
  async count() {
    const { labels } = await this.#api.get("/v1/labels");
    if (this.saving) return; // the answer may be older than the changes
    for (const entry of this.labels) entry.images = 0;
    for (const { label, images } of labels) this.#entry(label).images = images;
    this.#changed();
  }

  // refill appends pictures to the queue. It runs once at a time.
  refill() {
    if (this.ended) return Promise.resolve();
    this.#loading ??= this.#load().finally(() => {
      this.#loading = null;
      this.#changed();
    });
    return this.#loading;
  }

  async #load() {
    try {
      const { images, next } = await this.#api.get(`/v1/images?${this.#query()}`);
      const fresh = images.filter(({ id }) => !this.#first.has(id));
      for (const image of fresh) {
        this.#first.set(image.id, image.labels);
        this.#pictures.push(slim(image));
      }
      this.#cursor = next;
      this.ended = this.#newest ? next === null : fresh.length === 0;
      this.problem = null;
    } catch (problem) {
      this.problem = problem;
    }
  }

  // The uncertain pictures have no cursor. Those of this queue that bear no label yet
  // come again.
  #query() {
    const again = this.#pictures.filter(({ labels }) => labels.length === 0).length;
    const query = new URLSearchParams(this.#filter);
    query.set("limit", this.#newest ? PAGE : Math.min(MOST, PAGE + again + this.#unsaved));
    if (!this.#newest) query.set("sort", "uncertain");
    else if (this.#cursor) query.set("cursor", this.#cursor);
    return query;
  }

  // move goes to another picture, and at the end beyond the last.
  async move(step) {
    const to = Math.max(0, this.at + step);
    if (to >= this.#pictures.length && !this.ended) await this.refill();
    this.at = Math.min(to, this.#pictures.length);
    if (this.#pictures.length - this.at < AHEAD) this.refill();
    this.#changed();
  }

  // again looks for further pictures after the end.
  async again() {
    this.ended = false;
    await this.refill();
  }

  // toggle sets a label of the current picture, or takes it away.
  toggle(label) {
    const { labels } = this.current;
    this.#change(this.current, labels.includes(label) ? labels.filter((other) => other !== label) : [...labels, label]);
  }

  // add sets a label of the current picture.
  add(label) {
    if (!this.current.labels.includes(label)) this.toggle(label);
  }

  // accept makes a prediction of the current picture a label.
  accept(label) {
    const picture = this.current;
    if (picture.labels.includes(label)) return;
    this.#change(picture, [...picture.labels, label], () => this.#api.post(`${path(picture)}/predictions/accept`, { label }));
  }

  // undo takes the last change back, and goes to its picture.
  undo() {
    const step = this.#steps.pop();
    if (!step) return null;
    this.at = this.#pictures.indexOf(step.picture);
    this.#apply(step.picture, step.before);
    return step.picture;
  }

  // predicted shows new predictions, if the picture is in the queue.
  predicted({ id, predictions }) {
    const picture = this.#pictures.find((other) => other.id === id);
    if (!picture) return;
    picture.predictions = predictions;
    if (picture === this.current) this.#changed();
  }

  #change(picture, labels, send) {
    const step = { picture, before: picture.labels };
    this.#steps.push(step);
    this.#apply(picture, labels, send, step);
  }

  // apply shows the labels, and saves them after the picture's earlier changes.
  #apply(picture, labels, send = () => this.#api.put(`${path(picture)}/labels`, { labels }), step = null) {
    this.#show(picture, labels);
    picture.changes++;
    this.#unsaved++;
    picture.saved = picture.saved.then(send).then((answer) => {
      picture.stored = answer.labels;
      if (step) step.saved = true;
    }).catch((problem) => {
      picture.problem = problem;
    }).then(() => {
      picture.changes--;
      this.#unsaved--;
      if (picture.changes === 0) this.#settle(picture);
      this.#changed();
    });
  }

  // settle shows what the service has stored, once it has answered to all changes of a
  // picture.
  #settle(picture) {
    const { labels: wanted, problem } = picture;
    picture.problem = null;
    if (equal(wanted, picture.stored)) return;
    this.#show(picture, picture.stored);
    if (!problem) return; // the service writes a label otherwise
    this.#steps = this.#steps.filter((step) => step.picture !== picture || step.saved);
    this.dispatchEvent(new CustomEvent("failed", { detail: { picture, problem, again: () => this.#change(picture, wanted) } }));
  }

  #show(picture, labels) {
    for (const label of picture.labels) this.#entry(label).images--;
    for (const label of labels) this.#entry(label).images++;
    picture.labels = [...labels].sort();
    this.#changed();
  }

  #entry(label) {
    let entry = this.labels.find((other) => other.label === label);
    if (!entry) this.labels.push(entry = { label, images: 0 });
    return entry;
  }

  #changed() {
    this.dispatchEvent(new Event("change"));
  }
}

// slim returns what a sitting needs of a picture. stored are the labels that the
// service has, changes counts those under way, saved is the promise of the last, problem
// why one failed.
function slim({ id, width, height, format, camera, labels, predictions = [], quality = null }) {
  return { id, width, height, format, camera, labels, predictions, quality, stored: labels, changes: 0, saved: Promise.resolve(), problem: null };
}

const path = ({ id }) => `/v1/images/${encodeURIComponent(id)}`;

const equal = (a, b) => a.length === b.length && [...a].sort().every((label, i) => label === [...b].sort()[i]);
