// Pictures to send: generated ones, and cameras' files where their folder is beside
// the repository.
import { createCipheriv, createHash } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import path from "node:path";
import zlib from "node:zlib";

const corpus = path.resolve(import.meta.dirname, "../../../shared/corpus/photos/files");

/** noise returns pseudo-random bytes that depend on the seed alone. */
function noise(seed, length) {
  const key = createHash("sha256").update(String(seed)).digest();
  return createCipheriv("aes-256-ctr", key, Buffer.alloc(16)).update(Buffer.alloc(length));
}

export function sha256(data) {
  return createHash("sha256").update(data).digest("hex");
}

/**
 * png draws a pattern of coloured fields. Patterns of two seeds are never
 * near-duplicates. taken adds EXIF data: a camera and a position.
 */
export function png(seed, width = 256, height = 192, taken = null) {
  const rows = Buffer.alloc(height * (1 + 3 * width)); // each begins with its filter type, 0
  const fields = noise(seed, 8 * 8 * 3);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const field = 3 * (8 * Math.floor((8 * y) / height) + Math.floor((8 * x) / width));
      fields.copy(rows, y * (1 + 3 * width) + 1 + 3 * x, field, field + 3);
    }
  }
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  header.set([8, 2], 8); // 8 bits of red, green and blue
  const signature = Buffer.from("\x89PNG\r\n\x1a\n", "latin1");
  const chunks = [chunk("IHDR", header), ...(taken ? [chunk("eXIf", exif(taken))] : []), chunk("IDAT", zlib.deflateSync(rows)), chunk("IEND")];
  return Buffer.concat([signature, ...chunks]);
}

/** exif makes a TIFF block of two directories: the camera's and the GPS position's. */
function exif({ make, model, latitude, longitude }) {
  const degrees = (at) => [Math.floor(at), 60 * (at % 1), 0].flatMap((part) => rational(part));
  const camera = [[0x010f, ascii(make)], [0x0110, ascii(model)]];
  const size = ([, { data }]) => 12 + data.length;
  const gpsAt = 8 + 6 + 12 + camera.map(size).reduce((a, b) => a + b);
  const gps = [
    [1, ascii(latitude < 0 ? "S" : "N")], [2, { type: 5, count: 3, data: Buffer.concat(degrees(Math.abs(latitude))) }],
    [3, ascii(longitude < 0 ? "W" : "E")], [4, { type: 5, count: 3, data: Buffer.concat(degrees(Math.abs(longitude))) }],
  ];
  const head = Buffer.from("MM\0\x2a\0\0\0\x08", "latin1");
  return Buffer.concat([head, directory([...camera, [0x8825, { type: 4, count: 1, data: uint32(gpsAt) }]], 8), directory(gps, gpsAt)]);
}

/** directory makes a TIFF directory for an offset, followed by its longer values. */
function directory(entries, at) {
  let next = at + 6 + 12 * entries.length;
  const long = [];
  const fields = entries.map(([tag, { type, count, data }]) => {
    const field = Buffer.concat([uint32((tag << 16) + type), uint32(count), data, Buffer.alloc(4)]).subarray(0, 12);
    if (data.length > 4) {
      field.writeUInt32BE(next, 8);
      long.push(data);
      next += data.length;
    }
    return field;
  });
  return Buffer.concat([Buffer.from([0, entries.length]), ...fields, Buffer.alloc(4), ...long]);
}

const ascii = (text) => ({ type: 2, count: text.length + 1, data: Buffer.from(`${text}\0`) });
const rational = (value) => [uint32(Math.round(value * 1000)), uint32(1000)];

function uint32(value) {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value >>> 0);
  return bytes;
}

function chunk(type, data = Buffer.alloc(0)) {
  const named = Buffer.concat([Buffer.from(type), data]);
  const ends = Buffer.alloc(8);
  ends.writeUInt32BE(data.length, 0);
  ends.writeUInt32BE(zlib.crc32(named), 4);
  return Buffer.concat([ends.subarray(0, 4), named, ends.subarray(4)]);
}

/** bmp makes incompressible noise of 54 + 3 · width · height bytes. */
export function bmp(seed, width, height) {
  if (width % 4 !== 0) throw new RangeError("the width must be a multiple of 4, since BMP pads its rows");
  const header = Buffer.alloc(54);
  const pixels = noise(seed, 3 * width * height);
  header.write("BM");
  header.writeUInt32LE(header.length + pixels.length, 2);
  header.writeUInt32LE(header.length, 10);
  header.writeUInt32LE(40, 14);
  header.writeInt32LE(width, 18);
  header.writeInt32LE(height, 22);
  header.writeUInt16LE(1, 26);
  header.writeUInt16LE(24, 28);
  header.writeUInt32LE(pixels.length, 34);
  return Buffer.concat([header, pixels]);
}

// Ten cameras' files in seven formats, without near-duplicates.
const real = [
  "941b9c7b-DSCN0029.jpg", "12c59a8d-Sony_DSC-HX5V_2_.jpg", "3ad8b079-Samsung_GT-I9000_Galaxy_S_.jpg",
  "c6468680-HP_PhotoSmart_735.jpg", "9875273e-mongolia.jpeg", "63ba6b0f-sunrise.png", "be7fe861-HTC_Desire.webp",
  "f86ec0d3-samplefilehub.heif", "cfa7fcf6-Classic.tif", "bc90e1e8-adf6f850b13dff73ebb22862c6ab028b.gif",
];

/** tenPictures returns files for Playwright: cameras' files where there are any, else generated ones. */
export function tenPictures() {
  if (!existsSync(corpus)) return Array.from({ length: 10 }, (_, i) => file(`made-${i}.png`, png(i)));
  return real.map((name) => file(name.replace(/^\w+-/, ""), readFileSync(path.join(corpus, name))));
}

/** file makes a file for Playwright, without a type. */
export function file(name, buffer) {
  return { name, buffer: Buffer.from(buffer), mimeType: "" };
}
