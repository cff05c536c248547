const units: readonly [number, string][] = [
  [1e12, "T"],
  [1e9, "B"],
  [1e6, "M"],
  [1e3, "k"],
];

/** Writes a count short: 950, 12.3k, 1.2M, 124.4M. */
export function formatCount(value: number): string {
  if (!Number.isFinite(value)) return String(value);
  // Compared after rounding, so that 999,960 is 1.0M and not 1000.0k.
  for (const [unit, name] of units) if (Math.abs(value) >= unit * 0.99995) return `${(value / unit).toFixed(1)}${name}`;
  return Number.isInteger(value) || Math.abs(value) >= 10 ? String(Math.round(value)) : value.toFixed(1);
}

/** Writes a size in decimal units: 950 B, 12.3 kB, 1.2 MB, 4.0 GB. */
export function formatBytes(bytes: number): string {
  if (!(bytes >= 1000)) return `${bytes} B`;
  return `${formatCount(bytes).replace("B", "G").replace(/\D$/, " $&")}B`;
}

/** Writes an integer whole: 1,000. */
export function formatInteger(value: number): string {
  return value.toLocaleString("en-US");
}

/** Writes seconds: 0.4s, 42s, 1m 20s, 1h 05m, 2d 03h. */
export function formatDuration(seconds: number): string {
  if (!Number.isFinite(seconds)) return String(seconds);
  if (seconds < 9.95) return `${seconds.toFixed(1)}s`;
  const whole = Math.round(seconds);
  if (whole < 60) return `${whole}s`;
  if (whole < 3600) return pair(whole, 60, "m", 1, "s");
  const minutes = Math.round(seconds / 60);
  return minutes < 24 * 60 ? pair(minutes, 60, "h", 1, "m") : pair(minutes, 24 * 60, "d", 60, "h");
}

/** Writes a loss with four digits: 2.1034. */
export function formatLoss(value: number): string {
  return Number.isFinite(value) ? value.toFixed(4) : String(value);
}

/** Writes a learning rate: 1.00e-3. */
export function formatRate(value: number): string {
  return value.toExponential(2);
}

/** Writes a share of 1: 45.1 %. */
export function formatShare(value: number): string {
  return `${(100 * value).toFixed(1)} %`;
}

/** Writes a count of things: 1 step, 1,000 steps. */
export function formatPlural(count: number, thing: string): string {
  return `${formatInteger(count)} ${thing}${count === 1 ? "" : "s"}`;
}

function pair(value: number, large: number, largeName: string, small: number, smallName: string): string {
  const rest = Math.floor((value % large) / small);
  return `${Math.floor(value / large)}${largeName} ${String(rest).padStart(2, "0")}${smallName}`;
}
