// The view that labels: one picture large, its labels and predictions, and the keyboard.

import { notify } from "./dialog.js";
import { h, icon } from "./dom.js";
import { filterChips } from "./chips.js";
import { count, formatName, percent } from "./format.js";
import { action, keysDialog, keysOn } from "./keys.js";
import { light } from "./light.js";
import { palette } from "./palette.js";
import { predictionList } from "./predictions.js";
import { apiFilter, format, same } from "./route.js";
import { Sitting } from "./sitting.js";

const GO_ON = "inlet.console.goon";
const orders = [["", "Most uncertain first"], ["newest", "Newest first"]];

export function labelling(main, { api, live, route }) {
  let sitting = null; // null until begin
  let current = route;
  const over = new AbortController();

  const tally = h("p", { class: "muted small" });
  const order = h("select", { id: "label-order", onchange: () => { location.hash = format({ ...current, order: order.value }); } },
    orders.map(([value, name]) => h("option", { value }, name)));
  const chips = filterChips({ changed: (filter) => { location.hash = format({ ...current, filter }); } });
  const failed = h("div", { class: "notice bad row", role: "alert", hidden: true });
  const said = h("p", { class: "visually-hidden", role: "status" });

  const picture = light({ api });
  const back = h("button", { type: "button", class: "step back", "aria-label": "Previous picture", onclick: () => sitting.move(-1) }, icon("previous"));
  const forth = h("button", { type: "button", class: "step forth", "aria-label": "Next picture", onclick: () => sitting.move(1) }, icon("next"));
  const end = h("div", { class: "empty", hidden: true });

  const labels = h("ul", { class: "labels", "aria-label": "Labels of this picture" });
  const choices = palette({ choose });
  const field = h("input", { id: "new-label", list: choices.names.id, maxlength: 100, autocomplete: "off", placeholder: "New label", onkeydown: leaveField });
  const form = h("form", { class: "joined", onsubmit: write },
    h("label", { for: "new-label", class: "visually-hidden" }, "New label"), field, choices.names, h("button", {}, "Add"));
  const likely = h("section", {});
  const go = h("button", { type: "button", class: "primary", "aria-keyshortcuts": "Enter", onclick: accept });
  const undo = h("button", { type: "button", onclick: takeBack }, icon("undo"), "Undo");
  const goOn = h("input", { type: "checkbox", checked: sessionStorage.getItem(GO_ON) === "on",
    onchange: () => sessionStorage.setItem(GO_ON, goOn.checked ? "on" : "off") });

  const bench = h("div", { class: "bench", onclick: refocus },
    h("div", { class: "light" }, picture.element, back, forth),
    h("div", { class: "side card" },
      h("div", { class: "row" }, go, undo, h("button", { type: "button", class: "quiet", onclick: keysDialog }, icon("keys"), "Keys")),
      h("section", { "aria-labelledby": "label-set" }, h("h2", { id: "label-set" }, "Labels"), labels, choices.element, form,
        h("label", { class: "check small" }, goOn, h("span", {}, "Go on after each label"))),
      likely));
  main.replaceChildren(
    h("header", { class: "row head" }, h("h1", {}, "Label"), tally,
      h("label", { for: "label-order", class: "visually-hidden" }, "Order"), h("div", {}, order)),
    chips.element, failed, bench, end, said);

  function begin(wanted) {
    current = wanted;
    order.value = wanted.order;
    chips.set(wanted.filter);
    failed.hidden = true;
    sitting = new Sitting({ api, filter: apiFilter(wanted.filter), order: wanted.order });
    const mine = sitting;
    mine.addEventListener("change", () => mine === sitting && !over.signal.aborted && draw());
    mine.addEventListener("failed", (event) => {
      if (mine === sitting && !over.signal.aborted) complain(event.detail);
      else notify(`The labels of a picture were not saved: ${event.detail.problem.message}`);
    });
    draw();
    mine.start().catch((problem) => notify(`The labels could not be loaded: ${problem.message}`));
  }

  let shown = null; // the picture that is drawn
  function draw() {
    const now = sitting.current;
    const moved = now !== shown;
    shown = now;
    tally.textContent = `${count(sitting.done)} labelled in this sitting${sitting.saving ? ", saving…" : ""}`;
    undo.disabled = !sitting.undoable;
    drawGo(now);
    back.disabled = sitting.at === 0;
    forth.disabled = now === null;
    picture.show(now, now ? alt(now) : "", sitting.around(2, 4));
    choices.update(sitting.labels, now && now.labels);
    drawLabels(now);
    drawPredictions(now);
    drawEnd(now);
    if (moved && now) say(introduce(now));
  }

  // drawGo says what Enter does. aria-disabled leaves the focus on the button.
  function drawGo(now) {
    const label = now?.labels.length === 0 ? now.predictions[0]?.label : undefined;
    const text = label === undefined ? "Go on" : `Accept ${label}`;
    if (go.firstChild?.textContent !== text) go.replaceChildren(h("span", {}, text), h("kbd", { "aria-hidden": "true" }, "Enter"));
    go.setAttribute("aria-disabled", String(now === null || (now.labels.length === 0 && label === undefined)));
  }

  function drawLabels(now) {
    const had = labels.contains(document.activeElement);
    labels.replaceChildren(...(now?.labels ?? []).map((label) => h("li", { class: "tag" }, h("span", {}, label),
      h("button", { type: "button", "aria-label": `Remove the label ${label}`, onclick: () => sitting.toggle(label) }, icon("close")))));
    if (labels.children.length === 0) labels.append(h("li", { class: "muted" }, "No labels yet."));
    if (had) picture.element.focus({ preventScroll: true });
  }

  function drawPredictions(now) {
    const had = likely.contains(document.activeElement);
    likely.hidden = now === null;
    if (now === null) return;
    likely.replaceChildren(h("h2", {}, "Predictions"), predictionList({
      predictions: now.predictions, labels: now.labels, accept: (label) => sitting.accept(label),
    }));
    if (had) picture.element.focus({ preventScroll: true });
  }

  // drawEnd shows why there is no picture.
  function drawEnd(now) {
    end.hidden = now !== null || (!sitting.ended && sitting.problem === null);
    bench.hidden = !end.hidden;
    if (end.hidden) return;
    const again = h("button", { type: "button", onclick: () => sitting.again() }, "Look again");
    if (sitting.problem) {
      end.replaceChildren(h("h2", {}, "The pictures could not be loaded"), h("p", { class: "muted" }, sitting.problem.message), again);
      return;
    }
    end.replaceChildren(h("h2", {}, sitting.at > 0 ? "You have reached the end" : "There is nothing to label"),
      h("p", { class: "muted" }, current.order === "" ? "Every picture that matches bears a label, or was in this sitting." : "No further picture matches."),
      h("div", { class: "row centre" }, sitting.at > 0 && h("button", { type: "button", onclick: () => sitting.move(-1) }, icon("previous"), "Previous picture"),
        again, h("a", { class: "button primary", href: format({ view: "models" }) }, "Train a model")));
  }

  function complain({ picture: about, problem, again }) {
    failed.replaceChildren(h("span", { class: "grow" }, `The labels of a picture were not saved: ${problem.message}`),
      about.id !== sitting.current?.id && h("a", { class: "button small", href: format({ view: "gallery", picture: about.id }) }, "Show it") || "",
      h("button", { type: "button", class: "small", onclick: () => {
        failed.hidden = true;
        again();
      } }, "Try again"));
    failed.hidden = false;
  }

  const say = (text) => { said.textContent = text; };

  // refocus gives the focus to the picture after a click on a button, so that the next
  // Enter accepts a prediction. A key press on a button leaves the focus on it.
  function refocus(event) {
    if (event.detail > 0 && event.target.closest("button") && !document.querySelector("dialog[open]")) picture.element.focus({ preventScroll: true });
  }

  // choose sets a label or takes it away.
  function choose(label) {
    if (!sitting.current) return;
    sitting.toggle(label);
    const set = sitting.current.labels.includes(label);
    say(set ? `${label} set` : `${label} removed`);
    if (set && goOn.checked) sitting.move(1);
  }

  function write(event) {
    event.preventDefault();
    const label = field.value.trim();
    if (!label || !sitting.current) return;
    field.value = "";
    picture.element.focus({ preventScroll: true });
    sitting.add(label);
    say(`${label} set`);
    if (goOn.checked) sitting.move(1);
  }

  function leaveField(event) {
    if (event.key === "Escape") picture.element.focus({ preventScroll: true });
  }

  // accept goes on with the likeliest prediction as a label, unless the picture bears
  // labels already.
  function accept() {
    const now = sitting.current;
    if (!now) return;
    const label = now.predictions[0]?.label;
    if (now.labels.length === 0) {
      if (label === undefined) return say("There is no prediction to accept.");
      sitting.accept(label);
      say(`${label} accepted`);
    }
    sitting.move(1);
  }

  function takeBack() {
    if (sitting.undo()) say("The last change is undone.");
  }

  const does = {
    number: ({ number }) => choices.numbered(number) !== undefined && choose(choices.numbered(number)),
    accept, undo: takeBack, help: keysDialog,
    back: () => sitting.at > 0 && sitting.move(-1),
    forth: () => sitting.current && sitting.move(1),
    write: () => field.focus(),
  };

  function key(event) {
    if (event.defaultPrevented || document.querySelector("dialog[open]")) return;
    const wanted = action(event, keysOn());
    if (!wanted || (event.repeat && wanted.name !== "back" && wanted.name !== "forth")) return;
    event.preventDefault();
    does[wanted.name](wanted);
  }
  document.addEventListener("keydown", key, { signal: over.signal });
  live.addEventListener("prediction", (event) => sitting.predicted(event.detail), { signal: over.signal });
  begin(route);

  return {
    update(wanted) {
      if (wanted.order !== current.order || !same(wanted.filter, current.filter)) begin(wanted);
    },
    close() {
      over.abort();
      picture.close();
    },
  };
}

const alt = ({ labels, format: form }) => (labels.length ? `Picture: ${labels.join(", ")}` : `${formatName(form)} picture`);

// introduce describes a picture to screen readers.
function introduce({ labels, predictions: [first] }) {
  const bears = labels.length ? `labels ${labels.join(", ")}` : "no labels";
  return `Next picture: ${bears}${first ? `, predicted ${first.label} ${percent(first.probability)}` : ""}`;
}
