// Photos as large as a phone's, for measurements.
import { existsSync } from "node:fs";
import { mkdir, writeFile } from "node:fs/promises";
import path from "node:path";

const folder = path.resolve(import.meta.dirname, "../../.cache/photos");

/** photos returns the paths of count different JPEGs of 12 megapixels. It caches them between runs. */
export async function photos(browser, count) {
  await mkdir(folder, { recursive: true });
  const files = Array.from({ length: count }, (_, i) => path.join(folder, `photo-${i}.jpg`));
  const missing = files.filter((file) => !existsSync(file));
  if (missing.length === 0) return files;
  const tab = await browser.chromium.newPage();
  for (const file of missing) {
    const base64 = await tab.evaluate(paint, files.indexOf(file) + 1);
    await writeFile(file, Buffer.from(base64, "base64"));
  }
  await tab.close();
  return files;
}

// Runs in the browser: paints large coloured shapes that depend on the seed, and the
// grain of a sensor.
async function paint(seed) {
  const random = () => ((seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0), seed / 2 ** 32);
  const colour = () => `hsl(${360 * random()} ${60 * random()}% ${20 + 60 * random()}%)`;
  const tile = new OffscreenCanvas(512, 512);
  const grain = new ImageData(512, 512);
  for (let i = 0; i < grain.data.length; i += 4) grain.data.set([255 * random(), 255 * random(), 255 * random(), 40], i);
  tile.getContext("2d").putImageData(grain, 0, 0);

  const canvas = new OffscreenCanvas(4032, 3024);
  const brush = canvas.getContext("2d");
  for (let i = 0; i < 60; i++) {
    brush.fillStyle = colour();
    const size = i === 0 ? 8000 : 300 + 1200 * random();
    brush.fillRect(i === 0 ? 0 : 4032 * random() - size / 2, i === 0 ? 0 : 3024 * random() - size / 2, size, size * (0.3 + random()));
  }
  brush.fillStyle = brush.createPattern(tile, "repeat");
  brush.fillRect(0, 0, canvas.width, canvas.height);
  const blob = await canvas.convertToBlob({ type: "image/jpeg", quality: 0.8 });
  const bytes = new Uint8Array(await blob.arrayBuffer());
  let text = "";
  for (let at = 0; at < bytes.length; at += 0x8000) text += String.fromCharCode(...bytes.subarray(at, at + 0x8000));
  return btoa(text);
}
