// The worker that computes a file's SHA-256 and checks its GPS position. It reads in
// slices, so every file takes the same memory. It uses a library, since crypto.subtle
// needs the whole file at once and is missing over plain HTTP.

import { sha256 } from "../../vendor/noble-hashes/sha2.js";
import { bytesToHex } from "../../vendor/noble-hashes/utils.js";
import { gpsOf } from "./gps.js";

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
  let gps = "";
  for (let at = 0; at < file.size; at += SLICE) {
    const slice = await file.slice(at, at + SLICE).arrayBuffer();
    if (at === 0) gps = gpsOf(slice.slice(0, HEAD));
    hash.update(new Uint8Array(slice));
  }
  return { sum: bytesToHex(hash.digest()), gps };
}
