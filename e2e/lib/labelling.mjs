// Labels pictures in the console by the keyboard, as a person does.
import assert from "node:assert/strict";

/** Labelling is the section Label, open in a tab. */
export class Labelling {
  #numbers = []; // the labels that have keys

  constructor(tab) {
    this.tab = tab;
    this.picture = tab.locator("figure[data-id]");
    this.undo = tab.getByRole("button", { name: "Undo" });
  }

  /** seen waits until the picture is visible, and returns its id. */
  async seen() {
    await this.tab.locator("figure[data-id][data-state=ready]").waitFor();
    return this.picture.getAttribute("data-id");
  }

  /** bears waits until the picture bears a label. */
  bears(label) {
    return this.tab.getByRole("button", { name: `Remove the label ${label}`, exact: true }).waitFor();
  }

  /** label gives the picture a label: by its number, or by writing it the first time. */
  async label(label) {
    const { keyboard } = this.tab;
    const number = this.#numbers.indexOf(label) + 1;
    if (number > 0) await keyboard.press(String(number));
    else {
      await keyboard.press("l");
      await keyboard.type(label);
      await keyboard.press("Enter");
      this.#numbers.push(label);
    }
    await this.bears(label);
  }

  /** next goes to the next picture by a key, and fails if none comes. */
  async next(key = "ArrowRight") {
    const before = await this.seen();
    await this.tab.keyboard.press(key);
    await this.tab.locator(`figure[data-id]:not([data-id="${before}"])`).waitFor();
    const now = await this.seen();
    assert.notEqual(now, before);
    return now;
  }

  /** done waits until a number of pictures is labelled in this sitting, and saved. */
  done(count) {
    return this.tab.getByText(`${count} labelled in this sitting`, { exact: true }).waitFor();
  }
}
