import assert from "node:assert/strict";
import test from "node:test";
import { gpsOf } from "../scripts/upload/worker/gps.js";

/** Returns the head of a JPEG with an EXIF block: a make, and a GPS position or none. */
function jpeg({ make = true, gps = "none", little = true } = {}) {
  const tiff = new DataView(new ArrayBuffer(200));
  const put16 = (at, v) => tiff.setUint16(at, v, little);
  const put32 = (at, v) => tiff.setUint32(at, v, little);
  tiff.setUint16(0, little ? 0x4949 : 0x4d4d);
  put16(2, 42);
  put32(4, 8);
  const tags = [...(make ? [[0x010f, 0]] : []), ...(gps === "none" ? [] : [[0x8825, 60]])];
  put16(8, tags.length);
  tags.forEach(([tag, value], i) => { put16(10 + 12 * i, tag); put32(18 + 12 * i, value); });
  if (gps !== "none" && gps !== "empty") {
    put16(60, 1);
    put16(62, 2); // latitude
    put32(70, 100);
    put32(100, gps === "present" ? 47 : 0);
    put32(104, gps === "present" ? 1 : 0);
  }
  const head = [0xff, 0xd8, 0xff, 0xe1, 0, 208, 0x45, 0x78, 0x69, 0x66, 0, 0];
  return Uint8Array.from([...head, ...new Uint8Array(tiff.buffer)]).buffer;
}

test("a photo with and without a GPS position", () => {
  for (const little of [true, false]) {
    assert.equal(gpsOf(jpeg({ gps: "present", little })), "present");
    assert.equal(gpsOf(jpeg({ gps: "none", little })), "missing");
    assert.equal(gpsOf(jpeg({ gps: "empty", little })), "missing");
    assert.equal(gpsOf(jpeg({ gps: "blanked", little })), "missing");
    assert.equal(gpsOf(jpeg({ make: false, little })), "", "not from a camera");
  }
});

test("other files, and broken ones", () => {
  const whole = jpeg({ gps: "present" });
  for (let length = 0; length < whole.byteLength; length++) {
    assert.ok(["", "present", "missing"].includes(gpsOf(whole.slice(0, length))));
  }
  assert.equal(gpsOf(new TextEncoder().encode("\x89PNG\r\n\x1a\n").buffer), "");
  assert.equal(gpsOf(Uint8Array.from([0xff, 0xd8, 0xff, 0xe1, 0, 0]).buffer), "", "a segment without a length");
});
