// The pictures that the operator has selected, by their ids.

export class Selection {
  #ids = new Set();
  #anchor = null; // the id from which Shift selects

  get size() {
    return this.#ids.size;
  }

  get ids() {
    return [...this.#ids];
  }

  has(id) {
    return this.#ids.has(id);
  }

  toggle(id) {
    if (!this.#ids.delete(id)) this.#ids.add(id);
    this.#anchor = id;
  }

  // reach selects everything from the picture that was toggled last to another one, in
  // the order of all.
  reach(id, all) {
    const to = all.indexOf(id);
    const from = all.indexOf(this.#anchor);
    if (to < 0) return;
    if (from < 0) {
      this.#anchor = id;
      this.#ids.add(id);
      return;
    }
    for (const other of all.slice(Math.min(from, to), Math.max(from, to) + 1)) this.#ids.add(other);
  }

  add(ids) {
    for (const id of ids) this.#ids.add(id);
  }

  drop(id) {
    this.#ids.delete(id);
  }

  clear() {
    this.#ids.clear();
    this.#anchor = null;
  }
}

// bearers counts the labels of pictures: [label, pictures], the most frequent first.
export function bearers(pictures) {
  const counts = new Map();
  for (const { labels } of pictures) {
    for (const label of labels) counts.set(label, (counts.get(label) ?? 0) + 1);
  }
  return [...counts].sort(([a, n], [b, m]) => m - n || (a < b ? -1 : 1));
}
