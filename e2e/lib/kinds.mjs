// Pictures of four kinds that a person tells apart, for tests of learning.

/** kinds are the names of the kinds. */
export const kinds = ["balloons", "landscape", "letter", "weave"];

/**
 * paintKinds draws count JPEGs, the kinds in turn, as files for Playwright. A file's name
 * begins with its kind. Pictures of one kind differ in colours, sizes, number and place of
 * what they show, so none is a copy of another.
 */
export async function paintKinds(browser, count, width = 480, height = 360) {
  const tab = await browser.chromium.newPage();
  const files = [];
  for (let i = 0; i < count; i++) {
    const kind = kinds[i % kinds.length];
    const base64 = await tab.evaluate(paint, { kind, seed: 7919 * (i + 1), width, height });
    files.push({ name: `${kind}-${i}.jpg`, buffer: Buffer.from(base64, "base64"), mimeType: "image/jpeg" });
  }
  await tab.close();
  return files;
}

/** kindOf returns the kind of a picture by its file's name. */
export const kindOf = (filename) => filename.split("-")[0];

// Runs in the browser.
async function paint({ kind, seed, width, height }) {
  const random = () => ((seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0), seed / 2 ** 32);
  const between = (from, to) => from + (to - from) * random();
  const whole = (from, to) => Math.floor(between(from, to + 1));
  const colour = (light, saturation = between(30, 90)) => `hsl(${360 * random()} ${saturation}% ${light}%)`;
  for (let i = 0; i < 20; i++) random(); // the first numbers of near seeds resemble each other
  const canvas = new OffscreenCanvas(width, height);
  const brush = canvas.getContext("2d");
  const fill = (style) => {
    brush.fillStyle = style;
    brush.fillRect(0, 0, width, height);
  };

  const draw = {
    // Discs of bright colours on strings.
    balloons() {
      fill(colour(between(55, 92)));
      for (let i = whole(4, 12); i > 0; i--) {
        const [x, y, size] = [between(0, width), between(0, 0.8 * height), between(18, 70)];
        brush.strokeStyle = "#333";
        brush.beginPath();
        brush.moveTo(x, y + size);
        brush.quadraticCurveTo(x + between(-30, 30), y + 1.6 * size, x + between(-20, 20), y + between(2.2, 3) * size);
        brush.stroke();
        brush.fillStyle = colour(between(35, 65), between(60, 100));
        brush.beginPath();
        brush.ellipse(x, y, size * between(0.75, 0.9), size, 0, 0, 2 * Math.PI);
        brush.fill();
      }
    },
    // A sky, hills one behind the other, sometimes a sun.
    landscape() {
      const sky = brush.createLinearGradient(0, 0, 0, height);
      sky.addColorStop(0, `hsl(${between(190, 250)} ${between(40, 80)}% ${between(25, 65)}%)`);
      sky.addColorStop(1, `hsl(${between(10, 60)} ${between(30, 80)}% ${between(65, 90)}%)`);
      fill(sky);
      if (random() < 0.7) {
        brush.fillStyle = "#fff3c0";
        brush.beginPath();
        brush.arc(between(0, width), between(20, 0.5 * height), between(12, 40), 0, 2 * Math.PI);
        brush.fill();
      }
      const horizon = between(0.35, 0.75);
      const hue = between(60, 160);
      for (let hill = 0, hills = whole(2, 5); hill < hills; hill++) {
        const level = height * (horizon + (1 - horizon) * (hill / hills));
        const waves = [1, 2, 3].map((n) => ({ high: between(4, 40) / n, long: n * between(0.004, 0.016), shift: between(0, 7) }));
        brush.fillStyle = `hsl(${hue} ${between(15, 45)}% ${60 - 11 * hill}%)`;
        brush.beginPath();
        brush.moveTo(0, height);
        for (let x = 0; x <= width; x += 4) brush.lineTo(x, level + waves.reduce((y, w) => y + w.high * Math.sin(w.shift + w.long * x), 0));
        brush.lineTo(width, height);
        brush.fill();
      }
    },
    // Paragraphs of words on paper.
    letter() {
      fill(`hsl(${between(30, 60)} ${between(5, 40)}% ${between(88, 98)}%)`);
      brush.translate(width / 2, height / 2);
      brush.rotate(between(-0.06, 0.06));
      brush.translate(-width / 2, -height / 2);
      brush.fillStyle = colour(between(8, 28), between(0, 60));
      const size = between(9, 17);
      brush.font = `${size}px ${["serif", "sans-serif", "monospace"][whole(0, 2)]}`;
      const [left, right] = [between(15, 80), width - between(15, 80)];
      for (let y = between(25, 60); y < height - 15; y += size * 1.5) {
        if (random() < 0.15) continue; // between two paragraphs
        const end = random() < 0.2 ? between(left + 60, right) : right;
        for (let x = left; x < end - 30;) {
          const word = Array.from({ length: whole(2, 9) }, () => "etaoinshrdlucmfwypvbgk"[whole(0, 21)]).join("");
          brush.fillText(word, x, y);
          x += brush.measureText(`${word} `).width;
        }
      }
    },
    // Crossed stripes of a cloth.
    weave() {
      const hue = between(0, 360);
      fill(`hsl(${hue} ${between(20, 80)}% ${between(25, 75)}%)`);
      brush.translate(width / 2, height / 2);
      brush.rotate(between(0, Math.PI));
      for (const turn of [0, Math.PI / 2]) {
        brush.rotate(turn);
        const [step, other] = [between(14, 60), between(0, 360)];
        for (let x = -width; x < width; x += step) {
          brush.fillStyle = `hsl(${other} ${between(30, 90)}% ${between(20, 85)}% / .6)`;
          brush.fillRect(x, -width, step * between(0.2, 0.6), 2 * width);
        }
      }
    },
  };
  draw[kind]();
  const blob = await canvas.convertToBlob({ type: "image/jpeg", quality: 0.85 });
  const bytes = new Uint8Array(await blob.arrayBuffer());
  let text = "";
  for (let at = 0; at < bytes.length; at += 0x8000) text += String.fromCharCode(...bytes.subarray(at, at + 0x8000));
  return btoa(text);
}
