// Notes above the form: interrupted uploads, locations that the phone removed, why
// the link accepts no more files.

/** Shows at most one note of each name. */
export class Notes {
  #shown = new Map();
  #dismissed = new Set();

  /**
   * @param {HTMLElement} container
   * @param {import("./locale.js").Locale} locale
   */
  constructor(container, locale) {
    this.container = container;
    this.locale = locale;
  }

  /**
   * @param {string} name
   * @param {{title?: string, text: string, buttons?: [string, () => void][],
   *   dismissible?: boolean, urgent?: boolean}} note
   */
  show(name, { title, text, buttons = [], dismissible = false, urgent = false }) {
    if (this.#dismissed.has(name)) return;
    const card = element("section", "note card");
    if (urgent) card.setAttribute("role", "alert");
    card.dataset.name = name;
    const words = element("div", "note-text");
    if (title) words.append(element("h2", "", title));
    words.append(element("p", "", text));
    card.append(words);
    const row = element("div", "note-buttons");
    for (const [label, act] of buttons) row.append(this.#button(name, label, act));
    if (row.firstChild) card.append(row);
    if (dismissible) card.append(this.#close(name));
    this.#shown.get(name)?.remove();
    this.#shown.set(name, card);
    this.container.append(card);
  }

  hide(name) {
    this.#shown.get(name)?.remove();
    this.#shown.delete(name);
  }

  #button(name, label, act) {
    const button = element("button", "", label);
    button.type = "button";
    button.onclick = () => {
      this.hide(name);
      act();
    };
    return button;
  }

  #close(name) {
    const button = this.#button(name, "", () => this.#dismissed.add(name));
    button.className = "icon close";
    button.setAttribute("aria-label", this.locale.text("action.dismiss"));
    return button;
  }
}

function element(tag, className, text = "") {
  const made = document.createElement(tag);
  made.className = className;
  made.textContent = text;
  return made;
}
