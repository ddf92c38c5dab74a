// The jobs view: what the queue holds, what runs, and what failed.

import { notify } from "./dialog.js";
import { h, icon, swap } from "./dom.js";
import { ago, count, countOf, duration, moment } from "./format.js";
import { number, table } from "./panel.js";

const EVERY = 3000; // ms between two looks

const states = {
  available: "waiting", scheduled: "scheduled", pending: "pending", running: "running", retryable: "will be retried", discarded: "given up",
};
const chips = { running: "stored", retryable: "duplicate", discarded: "revoked" };
const again = ["retryable", "discarded"]; // states of jobs that the operator can retry

export function jobs(main, { api }) {
  const over = new AbortController();
  const failed = h("p", { class: "notice bad", role: "alert", hidden: true });
  const tally = h("p", { class: "muted small" });
  const queue = table("The queue", [["Kind"], ["State"], ["Jobs", true], ["Oldest waits", true]]);
  const idle = h("p", { class: "muted", hidden: true }, "The queue is empty.");
  const list = h("tbody");
  const troubled = h("table", { class: "cardtable" },
    h("caption", { class: "visually-hidden" }, "Jobs that run or failed"),
    h("thead", {}, h("tr", {}, ["Job", "State", "Attempts", "Next or last try", "Error", "Actions"].map((name) => h("th", { scope: "col" }, name)))), list);
  const none = h("p", { class: "muted", hidden: true }, "No job runs, and none has failed.");
  let before = "";
  let timer = 0;

  main.replaceChildren(
    h("header", { class: "row head" }, h("h1", {}, "Jobs"), tally), failed,
    h("section", { class: "card", "aria-labelledby": "queue" }, h("h2", { id: "queue" }, "Queue"), idle, queue.element),
    h("section", { class: "card", "aria-labelledby": "troubled" }, h("h2", { id: "troubled" }, "Running and failed"), none, troubled));

  async function look() {
    clearTimeout(timer);
    if (!document.hidden) {
      try {
        draw(await api.get("/v1/jobs", { signal: over.signal }));
        failed.hidden = true;
      } catch (problem) {
        if (problem.name === "AbortError") return;
        failed.textContent = `The jobs could not be loaded: ${problem.message}`;
        failed.hidden = false;
      }
    }
    if (over.signal.aborted) return;
    clearTimeout(timer);
    timer = setTimeout(look, EVERY);
  }

  function draw({ counts, jobs: all }) {
    const state = JSON.stringify([counts, all]);
    if (state === before) return;
    before = state;
    tally.textContent = `${countOf(counts.reduce((sum, { jobs: n }) => sum + n, 0), "job")} in the queue`;
    idle.hidden = counts.length > 0;
    queue.element.hidden = counts.length === 0;
    queue.body.replaceChildren(...counts.map((row) => h("tr", {}, h("th", { scope: "row" }, kindName(row.kind)), h("td", {}, chip(row.state)),
      number(count(row.jobs)), number(duration(row.oldest_s)))));
    none.hidden = all.length > 0;
    troubled.hidden = all.length === 0;
    redraw(all);
  }

  // redraw keeps the focus on a job's button.
  function redraw(all) {
    const focused = list.contains(document.activeElement) ? document.activeElement.closest("tr").dataset.id : null;
    swap(list, all.map((job) => row(job, retry)));
    if (focused !== null) list.querySelector(`[data-id="${CSS.escape(focused)}"] button`)?.focus({ preventScroll: true });
  }

  async function retry(job) {
    try {
      await api.post(`/v1/jobs/${encodeURIComponent(job.id)}/retry`);
      notify(`Job ${job.id} runs again.`);
    } catch (problem) {
      notify(`Job ${job.id} was not started again: ${problem.message}`);
    }
    look();
  }

  document.addEventListener("visibilitychange", () => document.hidden || look(), { signal: over.signal });
  look();

  return {
    close() {
      over.abort();
      clearTimeout(timer);
    },
  };
}

// kindName writes a kind with blanks: predict_all becomes predict all.
export const kindName = (kind) => kind.replace(/[_-]+/g, " ");

const chip = (state) => h("span", { class: `chip ${chips[state] ?? ""}` }, states[state] ?? state);

function row(job, retry) {
  const cell = (column, content) => h("td", { "data-column": column }, content);
  return h("tr", { "data-id": job.id },
    h("th", { scope: "row" }, kindName(job.kind), h("span", { class: "muted small" }, `no. ${job.id}, enqueued ${ago(job.created_at)}`)),
    cell("State", chip(job.state)),
    cell("Attempts", `${count(job.attempt)} of ${count(job.max_attempts)}`),
    cell("Next or last try", h("time", { datetime: job.scheduled_at, title: moment(job.scheduled_at) }, ago(job.scheduled_at))),
    cell("Error", job.error ? h("span", { class: "bad error" }, job.error.length > 500 ? `${job.error.slice(0, 500)}…` : job.error) : "–"),
    h("td", { class: "actions" }, again.includes(job.state) &&
      h("button", { type: "button", class: "small", "aria-label": `Retry job ${job.id}`, onclick: () => retry(job) }, icon("retry"), "Retry")));
}
