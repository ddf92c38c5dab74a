// Drives the operator's console by visible names.
import assert from "node:assert/strict";

/** Console is the console, open in a tab. */
export class Console {
  constructor(tab) {
    this.tab = tab;
    this.navigation = tab.getByRole("navigation", { name: "Console" });
  }

  /** open loads the sign-in form. */
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

  /** signIn opens the overview, and waits for the live feed. */
  async signIn(service) {
    await this.give(service.token);
    await this.tab.getByRole("status").getByText("Live", { exact: true }).waitFor();
  }

  /** go opens a view: Overview, Gallery or Links. */
  async go(view) {
    await this.navigation.getByRole("link", { name: view }).click();
    await this.tab.getByRole("heading", { name: view, level: 1 }).waitFor({ state: "attached" });
  }

  /** figure waits until the overview shows a value under a name. */
  figure(name, value) {
    const tile = this.tab.locator("dl > div").filter({ has: this.tab.getByText(name, { exact: true }) });
    return tile.getByText(value, { exact: true }).waitFor();
  }

  /** makeLink makes a link by the form and returns its address. */
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

  /** loaded waits until exactly count pictures are shown, and returns their list items. */
  async loaded(count) {
    const pictures = this.tab.getByRole("main").getByRole("listitem").filter({ has: this.tab.locator("img") });
    await pictures.nth(count - 1).waitFor();
    for (let i = 0; i < count; i++) await pictures.nth(i).locator("[data-state=ready]").waitFor();
    assert.equal(await pictures.count(), count);
    return pictures;
  }
}
