// The upload page. This wires its parts.

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
import { speak } from "./texts.js";
import { Total } from "./total.js";
import { Unfinished } from "./unfinished.js";

const ADDED_AT_ONCE = 25;

const part = (id) => document.getElementById(id);
const data = JSON.parse(part("data").textContent);
const region = navigator.languages.find((lang) => lang.split("-")[0] === data.lang);
const speech = speak(region ?? data.lang, data.texts);
const link = new Link(data);
const connection = new Connection(() => link.refresh());
const unfinished = new Unfinished(data.link);
const notes = new Notes(part("notes"), speech);
const announcer = new Announcer(part("said"));
let summed = ""; // the counts of the summary that is shown
let looking = 0; // a timer
let noted = 0; // photos without a place that were told of

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
const list = new List(part("files"), part("row"), speech, {
  act: (item, action) => queue[action](item),
  refocus: () => part("work-title").focus(),
});
const total = new Total(queue, connection, speech);
connection.changed = () => {
  total.show();
  if (connection.lost) announcer.say(part("total-state").textContent);
};

link.refused = (code) => queue.close(code);
addEventListener("focus", () => link.refresh()); // much may have happened meanwhile

pickers(add);
showFacts(link, speech, () => queue.close("link-expired"));
document.documentElement.classList.add("js");
offerUnfinished();

/** Hundreds are added a few at a time, since asking each for its size may take long. */
async function add(files) {
  announcer.say(speech.say("said.added", { count: files.length }));
  for (let at = 0; at < files.length; at += ADDED_AT_ONCE) {
    if (at > 0) await new Promise((resolve) => setTimeout(resolve));
    takeOn(queue.add(files.slice(at, at + ADDED_AT_ONCE)));
  }
}

function takeOn(items) {
  part("work").hidden = false;
  document.documentElement.classList.add("has-files");
  list.add(items);
  prepare(); // later there may be no connection
  warnOfLimit();
  look();
}

/** Called with each item that changed. */
function changed(item) {
  list.update(item);
  total.update();
  if (item.ended && item.state !== "failed" && item.sum) unfinished.drop(item.sum);
  // Hundreds may change in one go, and looking goes over all of them.
  looking ||= setTimeout(look, 100);
}

/** Follows what all the items together have come to. */
function look() {
  clearTimeout(looking);
  looking = 0;
  const { idle, items } = queue;
  const counts = tally(items);
  setBusy(!idle && !queue.paused);
  notePlace();
  if (!idle) {
    const done = items.filter((item) => item.ended).length;
    announcer.progress(speech.say("said.progress", { done, all: items.length }));
  }
  part("only-problems").hidden = !idle || counts.arrived === items.length;
  const now = idle && items.length > 0 ? JSON.stringify(counts) : "";
  if (now !== summed) turn(now, counts);
}

/** Sending begins, or is over. */
function turn(now, counts) {
  summed = now;
  total.show();
  if (!now) return part("summary").replaceChildren();
  showSummary(part("summary"), speech, queue);
  announcer.say(titleOf(speech, counts));
  link.refresh();
}

function ended(code) {
  part("drop").hidden = part("facts").hidden = true;
  notes.hide("beyond");
  notes.show("ended", {
    title: speech.say(`refused.${code}.title`), text: speech.say(`refused.${code}.text`), urgent: true,
  });
}

/** Before a file is refused for it, people are told that there is no room for all. */
function warnOfLimit() {
  const count = link.filesLeft;
  const waiting = queue.items.filter((item) => !item.ended).length;
  if (typeof count === "number" && waiting > count) {
    notes.show("beyond", { text: speech.say("note.beyond", { count }), dismissible: true });
  }
}

/** On phones, if not one of the photos says where it was taken. */
function notePlace() {
  if (!/Android|iPhone|iPad/.test(navigator.userAgent)) return;
  if (queue.items.some((item) => item.place === "kept")) return notes.hide("place");
  const count = queue.items.filter((item) => item.place === "missing").length;
  if (count === noted) return;
  noted = count;
  notes.show("place", { text: speech.say("note.place", { count }), dismissible: true });
}

async function offerUnfinished() {
  const kept = await unfinished.list();
  if (kept.length === 0 || queue.closed) return;
  notes.show("unfinished", {
    title: speech.say("unfinished.found", { count: kept.length }),
    text: speech.say("unfinished.text", { count: kept.length }),
    buttons: [
      [speech.say("action.resume"), () => takeOn(queue.addUnfinished(kept))],
      [speech.say("action.discard"), () => kept.forEach(({ sum }) => unfinished.drop(sum))],
    ],
  });
}
