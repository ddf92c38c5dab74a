// The operator's console as a person sees it.
import assert from "node:assert/strict";

/** Console is the console, open in a tab. */
export class Console {
  constructor(tab) {
    this.tab = tab;
    this.places = tab.getByRole("navigation", { name: "Console" });
  }

  /** open shows the form that asks for the token. */
  static async open(tab, service) {
    const answer = await tab.goto(`${service.address}/`);
    assert.equal(answer.status(), 200);
    const console = new Console(tab);
    await tab.getByRole("heading", { name: "Inlet" }).waitFor();
    return console;
  }

  /** give types a token into the form. */
  async give(token) {
    await this.tab.getByLabel("Operator’s token").fill(token);
    await this.tab.getByRole("button", { name: "Sign in" }).click();
  }

  /** signIn leads to the overview, and waits for the live feed. */
  async signIn(service) {
    await this.give(service.token);
    await this.tab.getByRole("status").getByText("Live", { exact: true }).waitFor();
  }

  /** go leads to the Overview, the Gallery or the Links. */
  async go(place) {
    await this.places.getByRole("link", { name: place }).click();
    await this.tab.getByRole("heading", { name: place, level: 1 }).waitFor({ state: "attached" });
  }

  /** figure waits until the overview shows a value under a name. */
  figure(name, value) {
    const tile = this.tab.locator("dl > div").filter({ has: this.tab.getByText(name, { exact: true }) });
    return tile.getByText(value, { exact: true }).waitFor();
  }

  /** makeLink fills in the form and returns the address it gave. */
  async makeLink({ label, expires, files }) {
    await this.go("Links");
    await this.tab.getByLabel("Label").fill(label);
    await this.tab.getByRole("radio", { name: expires }).check();
    await this.tab.getByText("Limits and start").click();
    await this.tab.getByLabel("Files at most").fill(String(files));
    await this.tab.getByRole("button", { name: "Make the link" }).click();
    await this.tab.getByRole("heading", { name: label }).waitFor();
    return this.tab.getByLabel("Address").inputValue();
  }

  /** loaded waits until as many pictures show themselves, and returns the items they are in. */
  async loaded(count) {
    const pictures = this.tab.getByRole("main").getByRole("listitem").filter({ has: this.tab.locator("img") });
    await pictures.nth(count - 1).waitFor();
    for (let i = 0; i < count; i++) await pictures.nth(i).locator("[data-state=ready]").waitFor();
    assert.equal(await pictures.count(), count);
    return pictures;
  }
}
