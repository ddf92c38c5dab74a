// What became of everything, once all is done.

/** Counts items by what became of them. */
export function tally(items) {
  const counts = { stored: 0, there: 0, refused: 0, failed: 0, cancelled: 0 };
  for (const { state } of items) {
    if (state === "duplicate" || state === "known") counts.there++;
    else if (state in counts) counts[state]++;
  }
  const arrived = counts.stored + counts.there;
  return { ...counts, arrived, all: items.length - counts.cancelled };
}

/** The ids of what has arrived, each once. */
export const idsOf = (items) => [...new Set(items.filter((item) => item.arrived && item.image).map((item) => item.image))];

/** The title of a tally. */
export function titleOf(speech, { arrived, all }) {
  if (arrived === 0) return speech.say("summary.none");
  return arrived === all ? speech.say("summary.all", { count: all }) : speech.say("summary.some", { count: arrived, all });
}

/**
 * Draws the summary.
 *
 * @param {HTMLElement} place
 * @param {import("./texts.js").Speech} speech
 * @param {import("./queue.js").Queue} queue
 */
export function showSummary(place, speech, queue) {
  const { items } = queue;
  const counts = tally(items);
  const card = document.getElementById("summary-card").content.firstElementChild.cloneNode(true);
  card.dataset.mood = counts.arrived === counts.all && counts.all > 0 ? "good" : "mixed";
  card.querySelector("h2").textContent = titleOf(speech, counts);
  const thanks = card.querySelector(".thanks");
  thanks.hidden = counts.arrived === 0;
  thanks.textContent = speech.say(queue.closed ? "summary.close" : "summary.more");
  for (const name of ["stored", "there", "refused", "failed", "cancelled"]) {
    if (counts[name] === 0) continue;
    const line = document.createElement("li");
    line.className = name;
    line.textContent = speech.say(`summary.${name}`, { count: counts[name] });
    card.querySelector("ul").append(line);
  }
  const retry = card.querySelector(".retry");
  retry.hidden = counts.failed === 0 || Boolean(queue.closed);
  retry.textContent = speech.say("action.retryAll", { count: counts.failed });
  retry.onclick = () => queue.retryAll();
  offerIds(card, speech, idsOf(items));
  place.replaceChildren(card);
}

function offerIds(card, speech, ids) {
  const details = card.querySelector("details");
  details.hidden = ids.length === 0;
  const [text, button] = [card.querySelector("textarea"), card.querySelector(".copy")];
  button.hidden = ids.length === 0;
  text.value = ids.join("\n");
  text.rows = Math.min(ids.length, 6);
  button.textContent = speech.say("action.copy", { count: ids.length });
  button.onclick = async () => {
    details.open = true;
    if (await copy(text)) button.textContent = speech.say("action.copied");
  };
}

/** Copies a field's text; over plain HTTP there is only the old way. */
async function copy(field) {
  try {
    await navigator.clipboard.writeText(field.value);
    return true;
  } catch {
    field.select();
    return document.execCommand("copy");
  }
}
