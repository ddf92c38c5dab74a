// Whether a camera's JPEG has a GPS position. It reads nothing else of the EXIF data.

/**
 * @param {ArrayBuffer} head the first bytes of a file
 * @returns {"present" | "missing" | ""} "" for files that are not a camera's JPEG, and broken ones
 */
export function gpsOf(head) {
  try {
    const tiff = exifIn(new DataView(head));
    return tiff ? readGPS(tiff) : "";
  } catch (error) {
    if (error instanceof RangeError) return ""; // an offset beyond the file's head
    throw error;
  }
}

/** Finds a JPEG's EXIF block. */
function exifIn(view) {
  if (view.getUint16(0) !== 0xffd8) return null;
  for (let at = 2; view.getUint8(at) === 0xff; ) {
    const marker = view.getUint8(at + 1);
    const length = view.getUint16(at + 2);
    if (marker === 0xda || length < 2) return null;
    if (marker === 0xe1 && length > 8 && view.getUint32(at + 4) === 0x45786966) {
      return new DataView(view.buffer, at + 10, Math.min(length - 8, view.byteLength - at - 10));
    }
    at += 2 + length;
  }
  return null;
}

function readGPS(tiff) {
  const little = tiff.getUint16(0) === 0x4949;
  const tags = entries(tiff, tiff.getUint32(4, little), little);
  if (!tags.has(0x010f) && !tags.has(0x0110)) return ""; // neither make nor model
  const pointer = tags.get(0x8825);
  if (pointer === undefined) return "missing";
  const latitude = entries(tiff, tiff.getUint32(pointer, little), little).get(2);
  if (latitude === undefined) return "missing";
  // Android blanks a position that it removes: degrees, minutes and seconds are 0/0.
  const degrees = tiff.getUint32(latitude, little);
  return tiff.getUint32(degrees + 4, little) === 0 ? "missing" : "present";
}

/** Returns the offsets of the values in a TIFF directory, by tag. */
function entries(tiff, at, little) {
  const found = new Map();
  const count = Math.min(tiff.getUint16(at, little), 512);
  for (let i = 0; i < count; i++) {
    const entry = at + 2 + 12 * i;
    found.set(tiff.getUint16(entry, little), entry + 8);
  }
  return found;
}
