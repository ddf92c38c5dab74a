// Collects the files of a drop, folders with everything below them included.

const MOST = 20000; // files in one drop
const DEBRIS = /^(\.|Thumbs\.db$|desktop\.ini$|__MACOSX$)/i;

/**
 * @param {DataTransfer} transfer
 * @param {(files: File[]) => void} found called with each batch of files
 */
export async function collect(transfer, found) {
  // The browser empties transfer when the event ends, so this part is synchronous.
  // webkitGetAsEntry blocks the page while the browser reads the disk, so an item
  // with a picture's type counts as a file. A folder named like a picture then
  // shows up as an unreadable file.
  const folders = [];
  const plain = [];
  for (const item of transfer.items) {
    if (item.kind !== "file") continue;
    const entry = item.type.startsWith("image/") ? null : item.webkitGetAsEntry?.();
    if (!entry?.isDirectory) plain.push(item.getAsFile());
    else if (!DEBRIS.test(entry.name)) folders.push(entry);
  }
  const files = plain.filter(Boolean);
  if (files.length > 0) found(folders.length > 0 ? withoutDebris(files) : files);

  let left = MOST - files.length;
  while (folders.length > 0 && left > 0) {
    const reader = folders.shift().createReader();
    for (let batch; (batch = await read(reader)).length > 0; ) {
      const wanted = batch.filter((entry) => !DEBRIS.test(entry.name));
      folders.push(...wanted.filter((entry) => entry.isDirectory));
      const inside = wanted.filter((entry) => entry.isFile).slice(0, left);
      left -= inside.length;
      const there = (await Promise.all(inside.map(fileOf))).filter(Boolean);
      if (there.length > 0) found(there);
    }
  }
}

/** Leaves out the files that operating systems put into folders. */
export const withoutDebris = (files) =>
  [...files].filter((file) => !(file.webkitRelativePath || file.name).split("/").some((name) => DEBRIS.test(name)));

const fileOf = (entry) => new Promise((resolve) => entry.file(resolve, () => resolve(null)));

const read = (reader) => new Promise((resolve) => reader.readEntries(resolve, () => resolve([])));
