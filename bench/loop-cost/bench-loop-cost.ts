import { lastJson } from "../output.ts";
import { type BenchOptions, type BenchResult, hundredths, machine, median, resultHead } from "../result.ts";
import { join } from "node:path";

type Round = { readonly times: readonly number[]; readonly memory: number };

/**
 * What the loop costs: milliseconds a step of the whole pipeline (text, loader, events, log, reporters, metrics) beside the
 * compiled step alone on batches that are there.
 */
export async function benchLoopCost({ size, rounds }: BenchOptions): Promise<BenchResult> {
  const script = join(import.meta.dirname, "steps.ts");
  const raw: { [contender: string]: number[][] } = { whole: [], bare: [] };
  for (let round = 0; round < rounds; round++) {
    for (const kind of ["bare", "whole"] as const) {
      const { times } = lastJson<Round>(process.execPath, ["--conditions=@pipe/source", script, size, kind]);
      raw[kind]!.push(times.map(hundredths));
    }
  }
  const [whole, bare] = [median(raw["whole"]!.flat()), median(raw["bare"]!.flat())];
  const share = (100 * (whole - bare)) / whole;
  console.log(`loop-cost ${size}, ${machine()}, ${rounds} rounds`);
  console.log(`whole pipeline ${whole.toFixed(2)} ms a step, compiled step alone ${bare.toFixed(2)} ms`);
  console.log(`outside the compiled step: ${share.toFixed(1)} %`);
  return {
    ...resultHead("loop-cost", size, "ms"),
    ours: Math.round(100 * whole) / 100,
    theirs: { bare: Math.round(100 * bare) / 100 },
    ratio: { bare: Math.round((1000 * bare) / whole) / 1000 },
    raw,
  };
}
