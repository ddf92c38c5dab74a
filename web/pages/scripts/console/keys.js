// The keys of a sitting: what they do, their help, and the switch that turns them off.

import { show } from "./dialog.js";
import { h, icon } from "./dom.js";

const OFF = "inlet.console.keys";

export const keysOn = () => sessionStorage.getItem(OFF) !== "off";

const help = [
  [["1", "…", "9"], "set one of the first nine labels, or take it away"],
  [["Enter"], "accept the likeliest prediction and go on; a picture with labels keeps them"],
  [["←", "→"], "previous picture, next picture"],
  [["U", "Ctrl + Z"], "undo the last change"],
  [["L"], "write a new label; Enter sets it, Escape leaves the field"],
  [["?"], "show these keys"],
];

// action names what a key does: {name, number}, or null. It leaves keys to fields, and
// Enter to the link or button that has the focus.
export function action({ key, target, ctrlKey, metaKey, altKey }, on = true) {
  if (target.matches("input:not([type=checkbox]), select, textarea")) return null;
  if (ctrlKey || metaKey) return key.toLowerCase() === "z" && !altKey ? { name: "undo" } : null;
  if (altKey || !on) return null;
  if (/^[1-9]$/.test(key)) return { name: "number", number: Number(key) };
  if (key === "Enter") return target.matches("a, button, summary, input") ? null : { name: "accept" };
  const name = { ArrowLeft: "back", ArrowRight: "forth", u: "undo", l: "write", "?": "help" }[key.length === 1 ? key.toLowerCase() : key];
  return name ? { name } : null;
}

// keysDialog shows the keys, and lets the operator turn them off: who speaks to the
// computer would press them by chance.
export function keysDialog() {
  const box = h("input", { type: "checkbox", checked: keysOn(), onchange: () => sessionStorage.setItem(OFF, box.checked ? "on" : "off") });
  const dialog = h("dialog", { class: "card keys", "aria-labelledby": "keys-title" },
    h("header", { class: "row" }, h("h2", { id: "keys-title", class: "grow" }, "Keys"),
      h("button", { type: "button", class: "quiet", "aria-label": "Close", autofocus: true, onclick: () => dialog.close() }, icon("close"))),
    h("dl", {}, help.map(([keys, what]) => h("div", {},
      h("dt", {}, keys.map((key) => (key === "…" ? " … " : h("kbd", {}, key)))), h("dd", {}, what)))),
    h("label", { class: "check" }, box, h("span", {}, "Use these keys")));
  show(dialog);
}
