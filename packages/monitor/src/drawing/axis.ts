import type { SeriesPoint } from "../series.ts";
import type { Panel } from "./panels.ts";

/** A span of values. */
export type Range = { readonly min: number; readonly max: number };

/** The steps that lines span, from 0 on where they begin near it, or where there is one step only. */
export function stepsOf(lines: Panel["lines"]): Range {
  const min = Math.min(...lines.map(({ points }) => points[0]!.step));
  const max = Math.max(...lines.map(({ points }) => points.at(-1)!.step));
  return { min: min <= max / 5 || min === max ? 0 : min, max };
}

/**
 * The values that are worth drawing: all, unless a few lie so far above the others that they would press these flat; a run
 * that spiked to a loss of 1,000 still shows how it learnt.
 */
export function valuesOf({ lines, figure }: Pick<Panel, "lines" | "figure">): Range {
  const values = lines.flatMap(({ points }) => points.flatMap(finiteValue)).sort((a, b) => a - b);
  const max = values.at(-1)!;
  // A loss never comes near zero; all else is judged by its distance from there.
  const min = figure === "loss" ? values[0]! : Math.min(0, values[0]!);
  const usual = values[Math.floor(0.98 * (values.length - 1))]!;
  const least = values.length < 20 ? max : Math.min(max, usual + 3 * (usual - min));
  return least > min ? { min, max: least } : around(min);
}

/** About `count` round numbers that cover a range: steps of 1, 2 or 5 times a power of ten. */
export function ticksOf({ min, max }: Range, count: number): readonly number[] {
  const rough = (max - min) / Math.max(1, count);
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = power * ([1, 2, 5].find((factor) => factor * power >= rough * 0.999) ?? 10);
  const first = Math.ceil(min / step - 1e-9);
  const last = Math.floor(max / step + 1e-9);
  // An index times the step, so that no error adds up: 0.3 and not 0.30000000000000004.
  return Array.from({ length: Math.max(0, last - first + 1) }, (_, index) =>
    Number(((first + index) * step).toPrecision(15)),
  );
}

/** A number beside an axis, short and exact: 2.5, 1e-3, 250, 1.25k. */
export function formatTick(value: number): string {
  const size = Math.abs(value);
  if (size === 0) return "0";
  if (size < 0.01) return value.toExponential();
  if (size < 1000) return String(value);
  const [unit, name] = size >= 1e12 ? [1e12, "T"] : size >= 1e9 ? [1e9, "B"] : size >= 1e6 ? [1e6, "M"] : [1e3, "k"];
  return `${Number((value / unit).toPrecision(6))}${name}`;
}

function finiteValue({ value }: SeriesPoint): number[] {
  return Number.isFinite(value) ? [value] : [];
}

/** A range for values that are all the same. */
function around(value: number): Range {
  const reach = Math.abs(value) / 2 || 1;
  return { min: value - reach, max: value + reach };
}
