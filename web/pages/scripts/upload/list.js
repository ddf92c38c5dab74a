// The rows of the files. They are made and brought up to date once a frame, a
// few at a time, so that hundreds of them do not hold the page up.

import { Thumbnails } from "./thumbnails.js";

const ROWS_A_FRAME = 25;

/** The list of files on the page. */
export class List {
  #rows = new Map(); // of items
  #fresh = []; // items without a row yet
  #dirty = new Set();
  #scheduled = false;
  #thumbnails = new Thumbnails();

  /**
   * @param {HTMLUListElement} list
   * @param {HTMLTemplateElement} template of a row
   * @param {import("./texts.js").Speech} speech
   * @param {{act: (item: object, action: string) => void, refocus: () => void}} on
   */
  constructor(list, template, speech, on) {
    this.list = list;
    this.template = template;
    this.speech = speech;
    this.on = on;
    list.addEventListener("click", (event) => this.#clicked(event));
  }

  add(items) {
    this.#fresh.push(...items);
    this.#schedule();
  }

  /** Shows what is new about an item with the next frame. */
  update(item) {
    if (!this.#rows.has(item)) return; // its row will be made from what it is then
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
      element, state: part("file-state"), sent: part("sent"), sure: part("sure"),
      toggle: part("toggle"), cancel: part("cancel"), shown: {},
    };
    element.item = item;
    part("file-name").textContent = item.name;
    part("file-name").title = item.file.webkitRelativePath || item.name;
    part("file-size").textContent = this.speech.size(item.size);
    row.cancel.setAttribute("aria-label", this.speech.say("action.cancelFile", { name: item.name }));
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
    const text = stateText(this.speech, item);
    if (changed("text", text)) row.state.textContent = text;
    const share = (bytes) => (item.size ? bytes / item.size : 0).toFixed(3);
    if (changed("sent", share(item.sent))) row.sent.style.setProperty("scale", `${row.shown.sent} 1`);
    if (changed("sure", share(item.sure))) row.sure.style.setProperty("scale", `${row.shown.sure} 1`);
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
      row.toggle.setAttribute("aria-label", this.speech.say(`action.${action}File`, { name: item.name }));
    }
    if (loses) this.on.refocus();
  }

  #clicked(event) {
    const button = event.target.closest("button");
    if (button) this.on.act(button.closest("li").item, button.dataset.action);
  }
}

/** What is said of an item: what became of it, or what is happening to it. */
export function stateText(speech, item) {
  switch (item.state) {
    case "refused":
    case "failed":
      return speech.say(speech.has(`outcome.${item.code}`) ? `outcome.${item.code}` : "outcome.internal");
    case "stored":
    case "duplicate":
    case "known":
    case "cancelled":
      return speech.say(`outcome.${item.state}`);
    case "sending":
      return speech.say("state.sending", { percent: speech.percent(item.size ? item.sent / item.size : 0) });
    default:
      return speech.say(`state.${item.state}`);
  }
}
