// The worker that reads files: the SHA-256 of each, and whether it says where it
// was taken. It reads in slices, so a file of any size takes the same memory; and
// it hashes by itself, since crypto.subtle needs the whole file at once, and is
// missing where the page came over plain HTTP.

import { sha256 } from "../../vendor/noble-hashes/sha2.js";
import { bytesToHex } from "../../vendor/noble-hashes/utils.js";
import { placeIn } from "./place.js";

const SLICE = 2 << 20;
const HEAD = 128 << 10;

self.onmessage = async ({ data: { id, file } }) => {
  try {
    self.postMessage({ id, ...(await read(file)) });
  } catch (error) {
    self.postMessage({ id, error: String(error) });
  }
};

async function read(file) {
  const hash = sha256.create();
  let place = "";
  for (let at = 0; at < file.size; at += SLICE) {
    const slice = await file.slice(at, at + SLICE).arrayBuffer();
    if (at === 0) place = placeIn(slice.slice(0, HEAD));
    hash.update(new Uint8Array(slice));
  }
  return { sum: bytesToHex(hash.digest()), place };
}
