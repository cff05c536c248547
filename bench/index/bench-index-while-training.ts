import { join } from "node:path";
import { lastJson, output } from "../output.ts";
import { type BenchOptions, type BenchResult, hundredths, machine, median, resultHead } from "../result.ts";

type Round = {
  readonly tokensPerSecond: number;
  readonly cpu: number;
  readonly updates: number;
  readonly documents: number;
  readonly chunks: number;
};

/**
 * What indexing costs while a model trains: tokens a second with `indexing.during` (its budget of 2 %) beside the same run without, in
 * turn, each in a process of its own, of built code. The ratio is the median over rounds; processor time a step, which other work on
 * the machine disturbs less, is printed beside it.
 */
export async function benchIndexWhileTraining({ size, rounds }: BenchOptions): Promise<BenchResult> {
  await Promise.resolve();
  output(join(import.meta.dirname, "../../node_modules/.bin/tsc"), ["-b"]);
  const script = join(import.meta.dirname, "training-steps.ts");
  const raw: { [contender: string]: number[][] } = { on: [], off: [] };
  console.log(`index-while-training ${size}, ${machine()}, ${rounds} rounds: tokens a second, CPU ms a step`);
  for (let round = 0; round < rounds; round++) {
    // Who begins changes, so that a machine that gets slower favours nobody.
    for (const kind of round % 2 === 0 ? ["off", "on"] : ["on", "off"]) {
      const { tokensPerSecond, cpu, ...index } = lastJson<Round>(process.execPath, [script, size, kind]);
      raw[kind]!.push([tokensPerSecond, cpu].map(hundredths));
      const what =
        kind === "on" ? `${index.updates} updates, ${index.documents} documents, ${index.chunks} passages` : "";
      console.log(`${kind.padEnd(4)} ${tokensPerSecond.toFixed(0)}  ${cpu.toFixed(2)}  ${what}`);
    }
  }
  const column = (kind: string, at: number): number[] => raw[kind]!.map((each) => each[at]!);
  const ratios = (at: number): number =>
    median(column("on", at).map((each, round) => each / column("off", at)[round]!));
  const thousandths = (value: number): number => Math.round(1_000 * value) / 1_000;
  console.log(`tokens a second with the index: ${(100 * (ratios(0) - 1)).toFixed(1)} %`);
  console.log(`processor time a step with the index: ${(100 * (ratios(1) - 1)).toFixed(1)} %`);
  return {
    ...resultHead("index-while-training", size, "tokens/s"),
    ours: hundredths(median(column("on", 0))),
    theirs: { "without index": hundredths(median(column("off", 0))) },
    ratio: { "without index": thousandths(ratios(0)) },
    raw,
  };
}
