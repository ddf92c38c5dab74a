// The operator's token. Session storage holds it until the tab closes; no address and
// no cookie does.

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

  // end removes the token and the links that this tab made, which are as secret.
  end(reason = "") {
    if (this.token === null) return;
    for (const key of Object.keys(this.storage)) {
      if (key.startsWith("inlet.console.")) this.storage.removeItem(key);
    }
    this.dispatchEvent(new CustomEvent("end", { detail: reason }));
  }
}
