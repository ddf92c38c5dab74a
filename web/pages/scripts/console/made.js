// The links that this tab has made. The service writes a link down when it is
// first used, and never its address, so nobody else knows these.

const KEY = "inlet.console.links";
const MOST = 200;

export class Made {
  constructor(storage = sessionStorage) {
    this.storage = storage;
  }

  // list is what was made, the newest first.
  list() {
    try {
      return JSON.parse(this.storage.getItem(KEY)) ?? [];
    } catch {
      return [];
    }
  }

  add(link) {
    this.storage.setItem(KEY, JSON.stringify([link, ...this.list()].slice(0, MOST)));
  }

  update(id, change) {
    this.storage.setItem(KEY, JSON.stringify(this.list().map((link) => (link.id === id ? { ...link, ...change } : link))));
  }
}

// merge puts the links that were made here and those that the service knows into
// one list: what was never used first, then by their last use.
export function merge(made, used) {
  const known = new Map(used.map((link) => [link.id, link]));
  const here = new Map(made.map((link) => [link.id, link]));
  const unused = made.filter((link) => !known.has(link.id)).map((link) => ({
    id: link.id, label: link.label, first_used_at: null, last_used_at: null, files: 0, bytes: 0,
    revoked: Boolean(link.revoked), made: link,
  }));
  return [...unused, ...used.map((link) => ({ ...link, made: here.get(link.id) ?? null }))];
}

// state of a link in a word. When a link ends is known only of those made here.
export function state(link, now = Date.now()) {
  if (link.revoked) return "revoked";
  if (link.made && Date.parse(link.made.expires_at) <= now) return "expired";
  if (link.made?.not_before && Date.parse(link.made.not_before) > now) return "not yet good";
  return link.last_used_at ? "in use" : "not used yet";
}
