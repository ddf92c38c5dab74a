// Holds the pictures around the current one, so that moving shows them at once.

export class Ahead {
  #api;
  #width;
  #held = new Map(); // id → {abort, address: the promise of a blob's address}

  constructor(api, width = 640) {
    this.#api = api;
    this.#width = width;
  }

  // hold fetches the pictures, the first ones first, and lets go of all others.
  hold(ids) {
    for (const id of this.#held.keys()) {
      if (!ids.includes(id)) this.#drop(id);
    }
    for (const id of ids) this.get(id).catch(() => {}); // whoever shows it asks again
  }

  // get resolves with the address of a picture, which is good while it is held.
  get(id) {
    const held = this.#held.get(id);
    if (held) return held.address;

    const abort = new AbortController();
    const address = this.#api.picture(id, this.#width, abort.signal).then((blob) => URL.createObjectURL(blob));
    this.#held.set(id, { abort, address });
    address.catch(() => this.#held.get(id)?.address === address && this.#held.delete(id));
    return address;
  }

  clear() {
    for (const id of [...this.#held.keys()]) this.#drop(id);
  }

  #drop(id) {
    const { abort, address } = this.#held.get(id);
    this.#held.delete(id);
    abort.abort();
    address.then((url) => URL.revokeObjectURL(url), () => {});
  }
}
