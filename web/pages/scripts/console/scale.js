// The axes of a chart of counts, and where its columns stand.

// ticks returns the whole numbers of the grid lines, from 0 to at least the largest
// value, in about four steps.
export function ticks(largest) {
  const rough = Math.max(1, largest) / 4;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = Math.max(1, [1, 2, 5, 10].find((n) => n * power >= rough) * power);
  const out = [0];
  while (out.at(-1) < largest || out.length < 2) out.push(out.at(-1) + step);
  return out;
}

// every returns the number of columns from one label to the next: the first of steps
// that leaves a label its room. A column takes step pixels. The last label stands under
// the last column, but ends at the edge, and so comes closer to the one before.
export function every(step, steps, room) {
  const closer = Math.max(0, (room - step) / 2);
  return steps.find((n) => n * step >= room + closer) ?? steps.at(-1);
}

// stack puts counts above each other, from the bottom up. It returns the distance of each
// one's top from the base and the height of its rectangle, in pixels. Every count above 0
// has a pixel at least. A gap separates high rectangles.
export function stack(counts, scale) {
  let top = 0;
  return counts.map((n) => {
    const height = Math.max(0, n) * scale;
    const gap = top > 3 && height > 3 ? 1.5 : 0;
    top += height;
    return { top: n > 0 ? Math.max(1, top) : top, height: n > 0 ? Math.max(1, height - gap) : 0 };
  });
}

// sums adds up members of the items.
export const sums = (items, members) => Object.fromEntries(members.map((member) =>
  [member, items.reduce((all, item) => all + item[member], 0)]));
