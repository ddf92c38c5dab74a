// Rows of pictures that fill the width exactly, each picture in its own shape.

// Panoramas and strips are cut to these shapes, so that they leave others room.
const NARROWEST = 0.6;
const WIDEST = 2.4;

export const shape = ({ width, height }) => Math.min(WIDEST, Math.max(NARROWEST, width / height || 1));

// layout puts pictures into rows of about the wanted height. Each row has its
// top, its height, and the index of its first picture and the widths of all; the
// last one, unless it happens to be full, keeps the wanted height.
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

// visible is the range of rows, from and up to, that are between two heights.
export function visible(rows, from, to) {
  const first = search(rows, (row) => row.top + row.height >= from);
  return [first, Math.max(first, search(rows, (row) => row.top > to))];
}

// search is the first row for which it is so, when it is so for all after it.
function search(rows, so) {
  let low = 0;
  let high = rows.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (so(rows[middle])) high = middle;
    else low = middle + 1;
  }
  return low;
}
