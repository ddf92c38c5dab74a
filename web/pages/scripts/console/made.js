// The links that this tab made. The service records a link at its first use, and
// never its address, so only this tab knows an unused one.

const KEY = "inlet.console.links";
const MOST = 200;

export class Made {
  constructor(storage = sessionStorage) {
    this.storage = storage;
  }

  // list returns the links, the newest first.
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

// merge joins this tab's links and the recorded ones: unused links first, then the
// recorded ones in their order.
export function merge(made, used) {
  const recorded = new Set(used.map((link) => link.id));
  const here = new Map(made.map((link) => [link.id, link]));
  const unused = made.filter((link) => !recorded.has(link.id)).map((link) => ({
    id: link.id, label: link.label, first_used_at: null, last_used_at: null, files: 0, bytes: 0,
    revoked: Boolean(link.revoked), made: link,
  }));
  return [...unused, ...used.map((link) => ({ ...link, made: here.get(link.id) ?? null }))];
}

// state returns a link's state for people. Only this tab's links have an expiry here.
export function state(link, now = Date.now()) {
  if (link.revoked) return "revoked";
  if (link.made && Date.parse(link.made.expires_at) <= now) return "expired";
  if (link.made?.not_before && Date.parse(link.made.not_before) > now) return "not yet good";
  return link.last_used_at ? "in use" : "not used yet";
}
