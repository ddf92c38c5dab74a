// The upload page as a person sees it: by what things are called, not by how
// they are built.
import assert from "node:assert/strict";

/** UploadPage is the page of one link, open in a tab. */
export class UploadPage {
  constructor(tab) {
    this.tab = tab;
    this.pictures = tab.getByRole("list", { name: "Your pictures" });
  }

  /** open goes to a link and waits until the page takes files. */
  static async open(tab, link) {
    const answer = await tab.goto(link.url);
    assert.equal(answer.status(), 200);
    const page = new UploadPage(tab);
    await page.ready();
    return page;
  }

  /** ready waits for the scripts: the button of the plain form goes. */
  ready() {
    return this.tab.getByRole("button", { name: "Send", exact: true }).waitFor({ state: "hidden" });
  }

  choose(files) {
    return this.tab.getByLabel("Choose pictures").setInputFiles(files);
  }

  /** drop lets files, or whole folders, of this machine fall onto the page, as a mouse would. */
  async drop(paths) {
    const { x, y, width, height } = await this.tab.getByText("Drop pictures or whole folders here").boundingBox();
    const at = { x: x + width / 2, y: y + height / 2 };
    const data = { items: [], files: paths, dragOperationsMask: 1 };
    const devtools = await this.tab.context().newCDPSession(this.tab);
    // A mouse never rests: the page looks different once something hovers over it.
    for (const type of ["dragEnter", "dragOver", "dragOver", "drop"]) {
      await devtools.send("Input.dispatchDragEvent", { type, ...at, data });
    }
    await devtools.detach();
  }

  /** row is what the page says of one file. */
  row(name) {
    return this.pictures.getByRole("listitem").filter({ has: this.tab.getByText(name, { exact: true }) });
  }

  /** outcome waits until a file's row says what became of it. */
  outcome(name, text) {
    return this.row(name).getByText(text).waitFor();
  }

  /** summary waits for the heading at the end of everything. */
  summary(title, timeout) {
    return this.tab.getByRole("heading", { name: title }).waitFor({ timeout });
  }
}
