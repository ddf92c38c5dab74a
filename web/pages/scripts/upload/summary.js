// The summary of a visit, once all files have ended.

/** Counts items by their outcomes. */
export function tally(items) {
  const counts = { stored: 0, duplicates: 0, refused: 0, failed: 0, cancelled: 0 };
  for (const { state } of items) {
    if (state === "duplicate" || state === "known") counts.duplicates++;
    else if (state in counts) counts[state]++;
  }
  const arrived = counts.stored + counts.duplicates;
  return { ...counts, arrived, all: items.length - counts.cancelled };
}

/** The ids of the pictures that have arrived, each once. */
const idsOf = (items) => [...new Set(items.filter((item) => item.arrived && item.image).map((item) => item.image))];

/** Titles a tally. */
export function titleOf(locale, { arrived, all }) {
  if (arrived === 0) return locale.text("summary.none");
  return arrived === all ? locale.text("summary.all", { count: all }) : locale.text("summary.some", { count: arrived, all });
}

/**
 * @param {HTMLElement} container
 * @param {import("./locale.js").Locale} locale
 * @param {import("./queue.js").Queue} queue
 */
export function showSummary(container, locale, queue) {
  const { items } = queue;
  const counts = tally(items);
  const card = document.getElementById("summary-card").content.firstElementChild.cloneNode(true);
  card.dataset.mood = counts.arrived === counts.all && counts.all > 0 ? "good" : "mixed";
  card.querySelector("h2").textContent = titleOf(locale, counts);
  const thanks = card.querySelector(".thanks");
  thanks.hidden = counts.arrived === 0;
  thanks.textContent = locale.text(queue.closed ? "summary.close" : "summary.more");

  for (const name of ["stored", "duplicates", "refused", "failed", "cancelled"]) {
    if (counts[name] === 0) continue;
    const line = document.createElement("li");
    line.className = name;
    line.textContent = locale.text(`summary.${name}`, { count: counts[name] });
    card.querySelector("ul").append(line);
  }

  const retry = card.querySelector(".retry");
  retry.hidden = counts.failed === 0 || Boolean(queue.closed);
  retry.textContent = locale.text("action.retryAll", { count: counts.failed });
  retry.onclick = () => queue.retryAll();
  offerIds(card, locale, idsOf(items));
  container.replaceChildren(card);
}

function offerIds(card, locale, ids) {
  const details = card.querySelector("details");
  details.hidden = ids.length === 0;
  const [text, button] = [card.querySelector("textarea"), card.querySelector(".copy")];
  button.hidden = ids.length === 0;
  text.value = ids.join("\n");
  text.rows = Math.min(ids.length, 6);
  button.textContent = locale.text("action.copy", { count: ids.length });
  button.onclick = async () => {
    details.open = true;
    if (await copy(text)) button.textContent = locale.text("action.copied");
  };
}

/** Copies a field's text; over plain HTTP only execCommand can. */
async function copy(field) {
  try {
    await navigator.clipboard.writeText(field.value);
    return true;
  } catch {
    field.select();
    return document.execCommand("copy");
  }
}
