// The rows of the files. Each frame makes a few of them and updates those that
// changed, so that hundreds of files do not block the page.

import { Thumbnails } from "./thumbnails.js";

const ROWS_A_FRAME = 25;

export class List {
  #rows = new Map(); // by item
  #fresh = []; // items without a row yet
  #dirty = new Set();
  #scheduled = false;
  #thumbnails = new Thumbnails();

  /**
   * @param {HTMLUListElement} list
   * @param {HTMLTemplateElement} template one row
   * @param {import("./locale.js").Locale} locale
   * @param {{act: (item: object, action: string) => void, refocus: () => void}} on
   */
  constructor(list, template, locale, on) {
    this.list = list;
    this.template = template;
    this.locale = locale;
    this.on = on;
    list.addEventListener("click", (event) => this.#clicked(event));
  }

  add(items) {
    this.#fresh.push(...items);
    this.#schedule();
  }

  /** Shows an item's new state with the next frame. */
  update(item) {
    if (!this.#rows.has(item)) return; // #make will show it
    this.#dirty.add(item);
    this.#schedule();
  }

  #schedule() {
    if (this.#scheduled) return;
    this.#scheduled = true;
    requestAnimationFrame(() => this.#frame());
  }

  #frame() {
    this.#scheduled = false;
    const rows = this.#fresh.splice(0, ROWS_A_FRAME).map((item) => this.#make(item));
    this.list.append(...rows);
    for (const item of this.#dirty) this.#show(item, this.#rows.get(item));
    this.#dirty.clear();
    if (this.#fresh.length > 0) this.#schedule();
  }

  #make(item) {
    const element = this.template.content.firstElementChild.cloneNode(true);
    const part = (name) => element.querySelector(`.${name}`);
    const row = {
      element, state: part("file-state"), sent: part("sent"), confirmed: part("confirmed"),
      toggle: part("toggle"), cancel: part("cancel"), shown: {},
    };
    element.item = item;
    part("file-name").textContent = item.name;
    part("file-name").title = item.file.webkitRelativePath || item.name;
    part("file-size").textContent = this.locale.size(item.size);
    row.cancel.setAttribute("aria-label", this.locale.text("action.cancelFile", { name: item.name }));
    this.#rows.set(item, row);
    this.#show(item, row);
    this.#thumbnails.watch(part("thumb"), item.file);
    return element;
  }

  #show(item, row) {
    const { element } = row;
    const changed = (name, value) => row.shown[name] !== value && ((row.shown[name] = value), true);
    if (changed("state", item.state + item.code)) {
      element.dataset.state = item.state;
      this.#showButtons(item, row);
    }
    const text = stateText(this.locale, item);
    if (changed("text", text)) row.state.textContent = text;
    const share = (bytes) => (item.size ? bytes / item.size : 0).toFixed(3);
    if (changed("sent", share(item.sent))) row.sent.style.setProperty("scale", `${row.shown.sent} 1`);
    if (changed("confirmed", share(item.confirmed))) row.confirmed.style.setProperty("scale", `${row.shown.confirmed} 1`);
  }

  #showButtons(item, row) {
    const action = item.state === "failed" || item.state === "cancelled" ? "retry"
      : item.ended ? "" : item.state === "paused" ? "resume" : "pause";
    const focused = document.activeElement;
    const loses = (!action && focused === row.toggle) || (item.ended && focused === row.cancel);
    row.toggle.hidden = !action;
    row.cancel.hidden = item.ended;
    if (action) {
      row.toggle.dataset.action = action;
      row.toggle.setAttribute("aria-label", this.locale.text(`action.${action}File`, { name: item.name }));
    }
    if (loses) this.on.refocus();
  }

  #clicked(event) {
    const button = event.target.closest("button");
    if (button) this.on.act(button.closest("li").item, button.dataset.action);
  }
}

/** Describes an item's outcome, or what is happening to it. */
function stateText(locale, item) {
  switch (item.state) {
    case "refused":
    case "failed":
      return locale.text(locale.has(`outcome.${item.code}`) ? `outcome.${item.code}` : "outcome.internal");
    case "stored":
    case "duplicate":
    case "known":
    case "cancelled":
      return locale.text(`outcome.${item.state}`);
    case "sending":
      return locale.text("state.sending", { percent: locale.percent(item.size ? item.sent / item.size : 0) });
    default:
      return locale.text(`state.${item.state}`);
  }
}
