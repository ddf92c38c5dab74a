// The models view: the training, the versions, and how good one of them is.

import { ask, notify } from "./dialog.js";
import { h } from "./dom.js";
import { modelDetails } from "./modeldetails.js";
import { modelTable } from "./modeltable.js";
import { trainingCard } from "./training.js";

const BUSY = 1000; // ms between two looks while a model is trained, or predicts
const IDLE = 10_000;

export function models(main, { api, live, route }) {
  const over = new AbortController();
  const training = trainingCard({ api, started: look });
  const table = modelTable({ promote });
  const failed = h("p", { class: "notice bad", role: "alert", hidden: true });
  const about = h("div", { class: "model" });
  let wanted = route.version; // null: the serving model, or the latest
  let shown = null; // the version whose details are shown
  let serving = null; // as the details say
  let details = null;
  let list = null; // the latest answer
  let timer = 0;

  main.replaceChildren(h("h1", { class: "visually-hidden" }, "Models"), failed, training.element, table.element, about);

  async function look() {
    clearTimeout(timer);
    try {
      const before = list;
      list = await api.get("/v1/models", { signal: over.signal });
      failed.hidden = true;
      if (before && before.last?.ended_at !== list.last?.ended_at) notify("The training has ended.");
      draw();
    } catch (problem) {
      if (problem.name === "AbortError") return;
      failed.textContent = `The models could not be loaded: ${problem.message}`;
      failed.hidden = false;
    }
    if (over.signal.aborted) return;
    const busy = list?.training || (list?.serving && list.predicted.done < list.predicted.total);
    clearTimeout(timer);
    timer = setTimeout(look, document.hidden ? IDLE : busy ? BUSY : IDLE);
  }

  function draw() {
    const version = wanted ?? list.serving ?? list.models[0]?.version ?? null;
    training.update(list);
    table.update(list, version);
    if (version !== shown || list.serving !== serving) open(version);
  }

  async function open(version) {
    shown = version;
    serving = list.serving;
    details?.close();
    details = null;
    about.replaceChildren();
    if (version === null) return;
    try {
      const model = await api.get(`/v1/models/${encodeURIComponent(version)}`, { signal: over.signal });
      if (shown !== version) return;
      details = modelDetails(model);
      about.replaceChildren(details.element);
    } catch (problem) {
      if (problem.name === "AbortError" || shown !== version) return;
      about.replaceChildren(h("p", { class: "bad", role: "alert" }, `Model ${version} could not be loaded: ${problem.message}`));
    }
  }

  async function promote(model, back) {
    const confirmed = await ask({
      title: back ? `Roll back to ${model.version}?` : `Promote ${model.version}?`, confirm: back ? "Roll back" : "Promote", gentle: true,
      text: `Every process serves ${model.version} within two seconds. The predictions of all pictures are then made again, the newest first.`,
    });
    if (confirmed === null) return;
    try {
      await api.post(`/v1/models/${encodeURIComponent(model.version)}/promote`);
      notify(`${model.version} serves now.`);
    } catch (problem) {
      notify(`${model.version} was not promoted: ${problem.message}`);
    }
    look();
  }

  document.addEventListener("visibilitychange", () => document.hidden || look(), { signal: over.signal });
  live.addEventListener("prediction", () => list && !list.serving && look(), { signal: over.signal });
  look();

  return {
    update({ version }) {
      wanted = version;
      if (list) draw();
    },
    close() {
      over.abort();
      clearTimeout(timer);
      details?.close();
    },
  };
}
