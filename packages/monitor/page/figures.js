// Numbers as people read them, and the arithmetic of axes. No page needed: tests import it too.

/** @typedef {readonly [step: number, value: number | null]} Point null was NaN or infinite. */
/** @typedef {{ min: number, max: number }} Range */

const UNITS = /** @type {const} */ ([
  [1e12, "T"],
  [1e9, "B"],
  [1e6, "M"],
  [1e3, "k"],
]);

/** 950, 12.3k, 1.2M. @param {number | null | undefined} value */
export function count(value) {
  if (value === null || value === undefined || !Number.isFinite(value)) return "–";
  for (const [unit, name] of UNITS) {
    if (Math.abs(value) >= unit * 0.99995) return `${(value / unit).toFixed(1)}${name}`;
  }
  return Number.isInteger(value) || Math.abs(value) >= 10 ? String(Math.round(value)) : value.toFixed(2);
}

/** 1,500. @param {number} value */
export function whole(value) {
  return value.toLocaleString("en-US");
}

/** 2.1034. @param {number | null | undefined} value */
export function loss(value) {
  return value === null || value === undefined ? "–" : value.toFixed(4);
}

/** 1.00e-3. @param {number | null | undefined} value */
export function rate(value) {
  return value === null || value === undefined ? "–" : value.toExponential(2);
}

/** 42s, 1m 20s, 1h 05m, 2d 03h. @param {number} seconds */
export function duration(seconds) {
  const s = Math.round(seconds);
  if (s < 60) return `${s}s`;
  const two = (/** @type {number} */ n) => String(n).padStart(2, "0");
  if (s < 3600) return `${Math.floor(s / 60)}m ${two(s % 60)}s`;
  const m = Math.round(seconds / 60);
  if (m < 1440) return `${Math.floor(m / 60)}h ${two(m % 60)}m`;
  return `${Math.floor(m / 1440)}d ${two(Math.floor((m % 1440) / 60))}h`;
}

/** Beside an axis: 2.5, 1e-3, 1.25k. @param {number} value */
export function tick(value) {
  const size = Math.abs(value);
  if (size === 0) return "0";
  if (size < 0.01) return value.toExponential();
  if (size < 1000) return String(value);
  const [unit, name] = UNITS.find(([unit]) => size >= unit) ?? [1, ""];
  return `${Number((value / unit).toPrecision(6))}${name}`;
}

/** Round numbers in a range: steps of 1, 2 or 5 times a power of ten. @param {Range} range @param {number} wanted */
export function ticks({ min, max }, wanted) {
  const rough = (max - min) / Math.max(1, wanted);
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = power * ([1, 2, 5].find((factor) => factor * power >= rough * 0.999) ?? 10);
  const first = Math.ceil(min / step - 1e-9);
  const last = Math.floor(max / step + 1e-9);
  return Array.from({ length: Math.max(0, last - first + 1) }, (_, i) => Number(((first + i) * step).toPrecision(15)));
}

/** The values worth drawing: a few that lie far above the others do not press these flat. @param {readonly Point[]} points @param {boolean} fromZero @returns {Range} */
export function values(points, fromZero) {
  const sorted = points.flatMap(([, value]) => (value === null ? [] : [value])).sort((a, b) => a - b);
  const max = sorted.at(-1) ?? 1;
  const min = fromZero ? Math.min(0, sorted[0] ?? 0) : (sorted[0] ?? 0);
  const usual = sorted[Math.floor(0.98 * (sorted.length - 1))] ?? max;
  const top = sorted.length < 20 ? max : Math.min(max, usual + 3 * (usual - min));
  if (top > min) return { min, max: top };
  const reach = Math.abs(min) / 2 || 1;
  return { min: min - reach, max: min + reach };
}

/** Means over a fortieth of the points. @param {readonly Point[]} points @returns {readonly Point[]} */
export function trend(points) {
  const reach = Math.floor(points.length / 80);
  if (reach === 0) return points;
  const sums = [0];
  const counts = [0];
  for (const [, value] of points) {
    sums.push((sums.at(-1) ?? 0) + (value ?? 0));
    counts.push((counts.at(-1) ?? 0) + (value === null ? 0 : 1));
  }
  return points.map(([step], i) => {
    const side = Math.min(reach, i);
    const end = Math.min(i + side + 1, points.length);
    const n = counts[end] - counts[i - side];
    return [step, n === 0 ? null : (sums[end] - sums[i - side]) / n];
  });
}
