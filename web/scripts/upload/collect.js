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
  // Both are gone once the event is over.
  const entries = [...transfer.items].map((item) => item.webkitGetAsEntry?.()).filter(Boolean);
  const plain = [...transfer.files];
  if (!entries.some((entry) => entry.isDirectory)) {
    found(plain);
    return;
  }
  let left = MOST;
  const folders = [];
  const take = async (list) => {
    folders.push(...list.filter((entry) => entry.isDirectory && !DEBRIS.test(entry.name)));
    const wanted = list.filter((entry) => entry.isFile && !DEBRIS.test(entry.name)).slice(0, left);
    left -= wanted.length;
    const files = await Promise.all(wanted.map(fileOf));
    if (files.some(Boolean)) found(files.filter(Boolean));
  };
  await take(entries);
  while (folders.length > 0 && left > 0) {
    const reader = folders.shift().createReader();
    for (let batch; (batch = await read(reader)).length > 0; ) await take(batch);
  }
}

/** Leaves out what systems put into folders of their own accord. */
export const withoutDebris = (files) =>
  [...files].filter((file) => !(file.webkitRelativePath || file.name).split("/").some((name) => DEBRIS.test(name)));

const fileOf = (entry) => new Promise((resolve) => entry.file(resolve, () => resolve(null)));

const read = (reader) => new Promise((resolve) => reader.readEntries(resolve, () => resolve([])));
