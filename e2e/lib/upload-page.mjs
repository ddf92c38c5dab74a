// Drives the upload page by visible names.
import assert from "node:assert/strict";

/** UploadPage is a link's page in a tab. */
export class UploadPage {
  constructor(tab) {
    this.tab = tab;
    this.pictures = tab.getByRole("list", { name: "Your pictures" });
  }

  /** open loads a link's page and waits until it accepts files. */
  static async open(tab, link) {
    const answer = await tab.goto(link.url);
    assert.equal(answer.status(), 200);
    const page = new UploadPage(tab);
    await page.ready();
    return page;
  }

  /** ready waits until the scripts have hidden the button of the plain form. */
  ready() {
    return this.tab.getByRole("button", { name: "Send", exact: true }).waitFor({ state: "hidden" });
  }

  choose(files) {
    return this.tab.getByLabel("Choose pictures").setInputFiles(files);
  }

  /** drop drops files or folders onto the page, as a mouse does. */
  async drop(paths) {
    const { x, y, width, height } = await this.tab.getByText("Drop pictures or whole folders here").boundingBox();
    const at = { x: x + width / 2, y: y + height / 2 };
    const data = { items: [], files: paths, dragOperationsMask: 1 };
    const devtools = await this.tab.context().newCDPSession(this.tab);
    // Two dragOver events, as of a real mouse: the page changes after the first.
    for (const type of ["dragEnter", "dragOver", "dragOver", "drop"]) {
      await devtools.send("Input.dispatchDragEvent", { type, ...at, data });
    }
    await devtools.detach();
  }

  /** row is a file's row. */
  row(name) {
    return this.pictures.getByRole("listitem").filter({ has: this.tab.getByText(name, { exact: true }) });
  }

  /** outcome waits until a file's row shows an outcome. */
  outcome(name, text) {
    return this.row(name).getByText(text).waitFor();
  }

  /** summary waits for the summary's heading. */
  summary(title, timeout) {
    return this.tab.getByRole("heading", { name: title }).waitFor({ timeout });
  }
}
