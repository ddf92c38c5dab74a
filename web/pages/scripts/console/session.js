// The operator's token, for as long as this tab lives. It is in no address and
// no cookie.

const KEY = "inlet.console.token";

export class Session extends EventTarget {
  constructor(storage = sessionStorage) {
    super();
    this.storage = storage;
  }

  get token() {
    return this.storage.getItem(KEY);
  }

  begin(token) {
    this.storage.setItem(KEY, token);
    this.dispatchEvent(new Event("begin"));
  }

  // end forgets the token, and what else this tab keeps, which is as secret.
  end(reason = "") {
    if (this.token === null) return;
    for (const key of Object.keys(this.storage)) {
      if (key.startsWith("inlet.console.")) this.storage.removeItem(key);
    }
    this.dispatchEvent(new CustomEvent("end", { detail: reason }));
  }
}
