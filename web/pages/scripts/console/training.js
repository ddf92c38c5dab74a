// The training under way, what is pending, and what a first model needs.

import { notify } from "./dialog.js";
import { h, icon } from "./dom.js";
import { ago, count, countOf, percent } from "./format.js";
import { bar } from "./predictions.js";
import { format } from "./route.js";

const LABELS = 2; // that a model needs
const IMAGES = 8; // that a label needs, unless the service says another number
const SHOWN = 12;

const stages = {
  waiting: "Waiting for a worker", reading: "Reading the labels and the features", choose: "Choosing the regularisation", train: "Training",
  curve: "Measuring the learning curve", evaluate: "Evaluating", comparing: "Comparing with the serving model",
};

// stageOf returns how far a training is, from 0 to 1 within its stage, and in words.
export function stageOf({ stage, progress }) {
  const words = stages[stage] ?? (stage ? stage[0].toUpperCase() + stage.slice(1) : "Starting");
  return { text: words, done: stage === "waiting" || !(progress >= 0) ? null : Math.min(1, progress) };
}

// needs describes what a first model still needs. labels are [{label, images}].
export function needs(labels, images = IMAGES) {
  const enough = labels.filter((label) => label.images >= images).length;
  const text = `A model needs two labels with ${countOf(images, "picture")} each. `;
  if (enough >= LABELS) return { enough, ready: true, text: `${countOf(enough, "label")} of ${count(labels.length)} ${enough === 1 ? "has" : "have"} enough pictures.` };
  return { enough, ready: false, text: text + (labels.length === 0 ? "No picture bears a label yet." : `${enough === 0 ? "No label has" : "One label has"} so many yet.`) };
}

// trainingCard calls started after it has asked for a training.
export function trainingCard({ api, started }) {
  const state = h("p", { role: "status" });
  const meter = h("progress", { max: 1, "aria-label": "Training", hidden: true });
  const pending = h("p", { class: "muted small" });
  const predicted = h("div", { class: "predicted", hidden: true });
  const button = h("button", { type: "button", class: "primary", onclick: train }, icon("train"), "Train now");
  const missing = h("section", { class: "needs", "aria-labelledby": "needs", hidden: true });
  let labels = null;
  let now = null;

  async function train() {
    button.disabled = true;
    try {
      await api.post("/v1/models/train");
    } catch (problem) {
      if (problem.code !== "already-training") notify(`The training did not begin: ${problem.message}`);
    }
    started();
  }

  // recount reads how many pictures bear each label.
  async function recount() {
    try {
      labels = (await api.get("/v1/labels")).labels;
      if (now) update(now);
    } catch {
      // The card works without them.
    }
  }
  recount();

  function update(list) {
    const changed = now && (now.pending.labels_changed !== list.pending.labels_changed || now.last?.ended_at !== list.last?.ended_at);
    now = list;
    if (changed) recount();
    const { training } = list;
    const need = needs(labels ?? [], list.min_images);
    meter.hidden = training === null;
    if (training) {
      const { text, done } = stageOf(training);
      put(state, done === null ? `${text}…` : `${text}: ${percent(done)}`);
      if (done === null) meter.removeAttribute("value");
      else meter.value = done;
    } else put(state, list.last ? `Last training, ${ago(list.last.ended_at)}: ${list.last.outcome}` : "No training yet.");
    put(pending, pendingText(list.pending));
    drawPredicted(list);
    missing.hidden = labels === null || list.models.length > 0 || training !== null;
    button.disabled = training !== null || (!missing.hidden && !need.ready);
    if (!missing.hidden) drawMissing(need, list.min_images ?? IMAGES);
  }

  function drawPredicted({ serving, predicted: { done, total } }) {
    predicted.hidden = serving === null || total === 0;
    if (predicted.hidden) return;
    const text = done >= total ? `${serving} has predicted for all ${countOf(total, "picture")}.` : `${serving} has predicted for ${count(done)} of ${countOf(total, "picture")}.`;
    predicted.replaceChildren(h("p", { class: "muted small" }, text), done < total ? bar(done / total) : "");
  }

  function drawMissing({ ready, text }, images) {
    const most = [...labels].sort((a, b) => b.images - a.images).slice(0, SHOWN);
    missing.replaceChildren(h("h3", { id: "needs" }, "There is no model yet"), h("p", {}, text),
      h("ol", { class: "bars" }, most.map((label) => h("li", {}, h("a", { href: format({ view: "gallery", filter: { label: label.label } }) },
        h("span", { class: "name" }, label.label), h("span", { class: "count" }, `${count(label.images)} of ${count(images)}`), bar(label.images / images))))),
      h("a", { class: ready ? "button" : "button primary", href: format({ view: "label" }) }, icon("label"), "Label pictures"));
  }

  return {
    element: h("section", { class: "card training", "aria-labelledby": "training" },
      h("header", { class: "row" }, h("h2", { id: "training", class: "grow" }, "Training"), button), state, meter, pending, predicted, missing),
    update,
  };
}

function pendingText({ labels_changed: changed, next_at: next }) {
  const since = changed === 0 ? "No label has changed since the last training." : `${countOf(changed, "label")} changed since the last training.`;
  const then = next === null ? "The service trains only on demand." : `The service looks ${Date.parse(next) <= Date.now() ? "again soon" : `again ${ago(next)}`}, and trains if enough have changed.`;
  return `${since} ${then}`;
}

// put changes a text only where it differs, so that screen readers speak once.
function put(element, text) {
  if (element.textContent !== text) element.textContent = text;
}
