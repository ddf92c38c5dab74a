// Files out of what people drop, paste and pick; folders with all that is in them.

const MOST = 20000; // files of one drop
const DEBRIS = /^(\.|Thumbs\.db$|desktop\.ini$|__MACOSX$)/i;

/**
 * Finds the files of a drop, and hands them on as it finds them.
 *
 * @param {DataTransfer} transfer
 * @param {(files: File[]) => void} found
 */
export async function collect(transfer, found) {
  // All of this is gone once the event is over. To ask for an entry stops the page
  // until the browser has looked at the disk, so a picture's name is believed: a
  // folder that is called so is a file that cannot be read.
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

/** Leaves out what systems put into folders of their own accord. */
export const withoutDebris = (files) =>
  [...files].filter((file) => !(file.webkitRelativePath || file.name).split("/").some((name) => DEBRIS.test(name)));

const fileOf = (entry) => new Promise((resolve) => entry.file(resolve, () => resolve(null)));

const read = (reader) => new Promise((resolve) => reader.readEntries(resolve, () => resolve([])));
