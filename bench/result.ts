import { availableParallelism, cpus } from "node:os";

/** What a benchmark is run with. */
export type BenchOptions = {
  readonly size: string;
  readonly rounds: number;
  /** Contenders beside ours; default all. */
  readonly only?: readonly string[];
  /** Of the GPU benchmark: where it runs, default `cuda`; rows of a batch; steps of a round. */
  readonly device?: string;
  readonly rows?: number;
  readonly steps?: number;
};

/** What a benchmark measured; every ratio above 1 means that ours is better. */
export type BenchResult = {
  readonly name: string;
  readonly size: string;
  readonly unit: string;
  readonly machine: string;
  readonly versions: { readonly [name: string]: string };
  readonly ours: number;
  readonly theirs: { readonly [competitor: string]: number | "absent" };
  readonly ratio: { readonly [competitor: string]: number | "absent" };
  readonly raw: { readonly [contender: string]: readonly (readonly number[])[] };
};

/** The machine, in words. */
export function machine(): string {
  return `${cpus()[0]?.model ?? "unknown"}, ${availableParallelism()} threads`;
}

/** The middle value. */
export function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1]!;
}

/** What every result says of itself and of where it was measured. */
export function resultHead(
  name: string,
  size: string,
  unit: string,
): Pick<BenchResult, "name" | "size" | "unit" | "machine" | "versions"> {
  return { name, size, unit, machine: machine(), versions: { node: process.versions.node } };
}

/** A number with two digits after the point, as raw times are kept. */
export function hundredths(value: number): number {
  return Math.round(100 * value) / 100;
}
