// The ways in which a visitor gives files to the page: pickers, drops, pastes.

import { collect, withoutDebris } from "./collect.js";

/** @param {(files: File[]) => void} add called with files that were picked, dropped or pasted */
export function pickers(add) {
  for (const input of document.querySelectorAll("input.pick")) {
    input.addEventListener("change", () => take(input, add));
    take(input, add); // files that were picked before this script ran
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
  input.value = ""; // so that the visitor can pick the same files again
  if (files.length > 0) add(files);
}

/** Accepts drops anywhere on the page, and highlights the zone. */
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
    clearTimeout(leaving); // dragleave also fires between two elements
    leaving = setTimeout(() => zone.classList.remove("is-over"), 100);
  });

  addEventListener("drop", (event) => {
    if (!carries(event)) return;
    event.preventDefault();
    zone.classList.remove("is-over");
    if (!zone.hidden) collect(event.dataTransfer, add);
  });
}
