// The vertical axis of a chart of counts.

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
