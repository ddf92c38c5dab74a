// The ways in which files come to the page: buttons, dropping, pasting.

import { collect, withoutDebris } from "./collect.js";

/** @param {(files: File[]) => void} add called with what is picked, dropped or pasted */
export function pickers(add) {
  for (const input of document.querySelectorAll("input.pick")) {
    input.addEventListener("change", () => take(input, add));
    take(input, add); // what was chosen before this script was there
  }
  const folders = "webkitdirectory" in HTMLInputElement.prototype && matchMedia("(pointer: fine)").matches;
  document.getElementById("folder-picker").hidden = !folders;
  dropping(document.getElementById("drop"), add);
  addEventListener("paste", (event) => {
    const files = [...(event.clipboardData?.files ?? [])];
    if (files.length > 0) add(files);
  });
}

function take(input, add) {
  const files = withoutDebris(input.files);
  input.value = ""; // so that the same files can be picked again
  if (files.length > 0) add(files);
}

/** Files may be dropped anywhere on the page. */
function dropping(zone, add) {
  const carries = (event) => event.dataTransfer?.types.includes("Files");
  let leaving = 0;
  addEventListener("dragover", (event) => {
    if (!carries(event)) return;
    event.preventDefault();
    event.dataTransfer.dropEffect = zone.hidden ? "none" : "copy";
    clearTimeout(leaving);
    zone.classList.add("is-over");
  });
  addEventListener("dragleave", () => {
    clearTimeout(leaving); // it also leaves one element for the next
    leaving = setTimeout(() => zone.classList.remove("is-over"), 100);
  });
  addEventListener("drop", (event) => {
    if (!carries(event)) return;
    event.preventDefault();
    zone.classList.remove("is-over");
    if (!zone.hidden) collect(event.dataTransfer, add);
  });
}
