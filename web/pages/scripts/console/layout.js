// Arranges pictures of different shapes in rows that fill the width exactly.

// Panoramas and strips are cropped to these ratios, so that other pictures fit beside them.
const NARROWEST = 0.6;
const WIDEST = 2.4;

export const shape = ({ width, height }) => Math.min(WIDEST, Math.max(NARROWEST, width / height || 1));

// layout arranges pictures in rows of about the wanted height, in pixels. A row has
// its top, its height, the index of its first picture and the widths of all. The
// last row, unless it is full, has the wanted height.
export function layout(pictures, { width, wanted, gap }) {
  const rows = [];
  let top = 0;
  let shapes = [];
  const close = (height, first) => {
    rows.push({ top, height, first, widths: shapes.map((s) => s * height) });
    top += height + gap;
    shapes = [];
  };
  pictures.forEach((picture, i) => {
    shapes.push(shape(picture));
    const sum = shapes.reduce((a, b) => a + b, 0);
    const height = (width - gap * (shapes.length - 1)) / sum;
    if (height <= wanted) close(height, i + 1 - shapes.length);
  });
  if (shapes.length > 0) close(wanted, pictures.length - shapes.length);
  return { rows, height: Math.max(0, top - gap) };
}

// visible returns the range of rows between two heights, its end excluded.
export function visible(rows, from, to) {
  const first = rows.findLastIndex((row) => row.top + row.height < from) + 1;
  return [first, Math.max(first, rows.findLastIndex((row) => row.top <= to) + 1)];
}
