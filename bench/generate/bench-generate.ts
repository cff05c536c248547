import { existsSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { lastJson, output } from "../output.ts";
import { type BenchOptions, type BenchResult, hundredths, machine, median, resultHead } from "../result.ts";

const PROMPT = 32;
const NEW = 64;
const RUNS = 2;
const THREADS = 2;

type Round = {
  readonly times: readonly number[];
  readonly memory: number;
  readonly ids: readonly (readonly number[])[];
};

const here = import.meta.dirname;
const envs = join(here, "../.envs");
const python = join(envs, "transformers/bin/python");

/** Tokens a second of greedy generation with a cache, GPT-2 of 124M parameters; the size is the number of rows, 1 or 8. */
export async function benchGenerate({ size, rounds }: BenchOptions): Promise<BenchResult> {
  const rows = Number(size);
  if (!Number.isInteger(rows) || rows < 1) throw new Error("The size of generate is a number of rows, such as 1 or 8.");
  if (!existsSync(python)) throw new Error("transformers is absent, and it makes the weights: bench/setup/setup.sh");
  const weights = join(envs, "gpt2-124m-random");
  const script = join(here, "reference_transformers.py");
  if (!existsSync(weights)) {
    mkdirSync(weights, { recursive: true });
    output(python, [script, "make", weights]);
  }
  const numbers = [rows, PROMPT, NEW, RUNS, THREADS].map(String);
  const contenders: readonly (readonly [string, () => Round])[] = [
    [
      "ours",
      () =>
        lastJson<Round>(process.execPath, ["--conditions=@pipe/source", join(here, "ours.ts"), weights, ...numbers]),
    ],
    ["transformers", () => lastJson<Round>(python, [script, "run", weights, ...numbers])],
  ];
  const raw: { [contender: string]: number[][] } = {};
  const memory: { [contender: string]: number } = {};
  const ids: { [contender: string]: Round["ids"] } = {};
  for (let round = 0; round < rounds; round++) {
    for (const [name, run] of contenders) {
      const result = run();
      (raw[name] ??= []).push(result.times.map(hundredths));
      memory[name] = result.memory;
      ids[name] = result.ids;
    }
  }
  const speed = (name: string): number => (1000 * rows * NEW) / median(raw[name]!.flat());
  const equal = ids["ours"]!.flat().filter((id, i) => id === ids["transformers"]!.flat()[i]).length;
  const [ours, theirs] = [speed("ours"), speed("transformers")];
  const ratio = Math.round((100 * ours) / theirs) / 100;
  console.log(`generate, ${rows} rows, ${PROMPT} + ${NEW} tokens, ${machine()}, ${rounds} rounds`);
  console.log(`ours          ${ours.toFixed(1)} tokens/s  ${Math.round(memory["ours"]!)} MB`);
  console.log(
    `transformers  ${theirs.toFixed(1)} tokens/s  ${Math.round(memory["transformers"]!)} MB   ratio ${ratio}`,
  );
  console.log(`${equal} of ${rows * NEW} tokens are equal`);
  return {
    ...resultHead("generate", size, "tokens/s"),
    ours: Math.round(10 * ours) / 10,
    theirs: { transformers: Math.round(10 * theirs) / 10 },
    ratio: { transformers: ratio },
    raw,
  };
}
