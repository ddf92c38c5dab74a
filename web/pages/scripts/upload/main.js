// Wires the parts of the upload page.

import { Announcer } from "./announcer.js";
import { setBusy } from "./awake.js";
import { Connection } from "./connection.js";
import { showFacts } from "./facts.js";
import { Known } from "./known.js";
import { Link } from "./link.js";
import { List } from "./list.js";
import { Notes } from "./notes.js";
import { pickers } from "./pickers.js";
import { Queue } from "./queue.js";
import { Reader } from "./reader.js";
import { prepare, sendResumable } from "./resumable.js";
import { sendWhole } from "./send.js";
import { showSummary, tally, titleOf } from "./summary.js";
import { localize } from "./locale.js";
import { Total } from "./total.js";
import { Unfinished } from "./unfinished.js";

const ADDED_AT_ONCE = 25;

const part = (id) => document.getElementById(id);
const data = JSON.parse(part("data").textContent);
const region = navigator.languages.find((lang) => lang.split("-")[0] === data.lang);
const locale = localize(region ?? data.lang, data.texts);
const link = new Link(data);
const connection = new Connection(() => link.refresh());
const unfinished = new Unfinished(data.link);
const notes = new Notes(part("notes"), locale);
const announcer = new Announcer(part("announcements"));
let summarised = ""; // the tally of the summary on the page, as JSON
let reviewTimer = 0;
let withoutGPS = 0; // photos that the note counts

const known = new Known((sums) => link.known(sums), (item, image) => queue.compared(item, image));
const queue = new Queue({
  reader: new Reader(),
  known,
  connection,
  maxFileBytes: data.link.max_file_bytes,
  sendWhole: (item, signal, on) => sendWhole(item, link.base, signal, on.sent),
  sendResumable: (item, signal, on) => {
    unfinished.keep(item);
    return sendResumable(item, link.base, signal, on);
  },
  usedUp: async () => (await link.refresh()) && link.usedUp,
  changed,
  ended,
});
const list = new List(part("files"), part("row"), locale, {
  act: (item, action) => queue[action](item),
  refocus: () => part("work-title").focus(),
});
const total = new Total(queue, connection, locale);
connection.changed = () => {
  total.show();
  if (connection.lost) announcer.announce(part("total-state").textContent);
};

link.refused = (code) => queue.close(code);
addEventListener("focus", () => link.refresh()); // others may have used the link

pickers(add);
showFacts(link, locale, () => queue.close("link-expired"));
document.documentElement.classList.add("js");
offerUnfinished();

/** Adds files a few at a time, since the browser may read the disk for each one's size. */
async function add(files) {
  announcer.announce(locale.text("announce.added", { count: files.length }));
  for (let at = 0; at < files.length; at += ADDED_AT_ONCE) {
    if (at > 0) await new Promise((resolve) => setTimeout(resolve));
    takeOn(queue.add(files.slice(at, at + ADDED_AT_ONCE)));
  }
}

function takeOn(items) {
  part("work").hidden = false;
  document.documentElement.classList.add("has-files");
  list.add(items);
  prepare(); // while there is a connection
  warnOfLimit();
  review();
}

function changed(item) {
  list.update(item);
  total.update();
  if (item.ended && item.state !== "failed" && item.sum) unfinished.drop(item.sum);
  // Hundreds may change at once, and review reads all items.
  reviewTimer ||= setTimeout(review, 100);
}

/** Shows the state of all items together. */
function review() {
  clearTimeout(reviewTimer);
  reviewTimer = 0;
  const { idle, items } = queue;
  const counts = tally(items);

  setBusy(!idle && !queue.paused);
  noteMissingGPS();
  if (!idle) {
    const done = items.filter((item) => item.ended).length;
    announcer.progress(locale.text("announce.progress", { done, all: items.length }));
  }
  part("only-problems").hidden = !idle || counts.arrived === items.length;

  const summary = idle && items.length > 0 ? JSON.stringify(counts) : "";
  if (summary === summarised) return;
  summarised = summary;
  total.show();
  if (!summary) return part("summary").replaceChildren(); // sending began again
  showSummary(part("summary"), locale, queue);
  announcer.announce(titleOf(locale, counts));
  link.refresh();
}

function ended(code) {
  part("drop").hidden = part("facts").hidden = true;
  notes.hide("beyond");
  notes.show("ended", {
    title: locale.text(`refused.${code}.title`), text: locale.text(`refused.${code}.text`), urgent: true,
  });
}

/** Warns that the link cannot accept all waiting files, before it refuses one. */
function warnOfLimit() {
  const count = link.filesLeft;
  const waiting = queue.items.filter((item) => !item.ended).length;
  if (typeof count === "number" && waiting > count) {
    notes.show("beyond", { text: locale.text("note.beyond", { count }), dismissible: true });
  }
}

/** Notes on a phone that none of the photos has a location: some phones remove it. */
function noteMissingGPS() {
  if (!/Android|iPhone|iPad/.test(navigator.userAgent)) return;
  if (queue.items.some((item) => item.gps === "present")) return notes.hide("gps");
  const count = queue.items.filter((item) => item.gps === "missing").length;
  if (count === withoutGPS) return;
  withoutGPS = count;
  notes.show("gps", { text: locale.text("note.gps", { count }), dismissible: true });
}

async function offerUnfinished() {
  const files = await unfinished.list();
  if (files.length === 0 || queue.closed) return;
  notes.show("unfinished", {
    title: locale.text("unfinished.found", { count: files.length }),
    text: locale.text("unfinished.text", { count: files.length }),
    buttons: [
      [locale.text("action.resume"), () => takeOn(queue.addUnfinished(files))],
      [locale.text("action.discard"), () => files.forEach(({ sum }) => unfinished.drop(sum))],
    ],
  });
}
