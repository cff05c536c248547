import { existsSync } from "node:fs";
import { join } from "node:path";
import { sizeOf } from "@pipe/core";
import { GPT2Model } from "@pipe/models";
import { lastJson } from "../output.ts";
import { type BenchOptions, type BenchResult, hundredths, machine, median, resultHead } from "../result.ts";
import { sizes } from "../train/sizes.ts";

const UPDATES = 8;
/** Updates at the beginning that do not count: PyTorch makes its state in the first. */
const SKIPPED = 2;

const here = import.meta.dirname;
const python = join(here, "../.envs/torch/bin/python");

/** Each optimizer of ours, and what computes the same in PyTorch. */
const optimizers: readonly {
  readonly name: string;
  readonly config: object;
  readonly torch: { readonly class: string; readonly options: object } | undefined;
}[] = [
  {
    name: "adamw",
    config: { kind: "adamw" },
    torch: { class: "AdamW", options: { betas: [0.9, 0.95], weight_decay: 0.1 } },
  },
  { name: "adam", config: { kind: "adam" }, torch: { class: "Adam", options: {} } },
  { name: "lion", config: { kind: "lion" }, torch: undefined },
  {
    name: "sgd-momentum",
    config: { kind: "sgd", momentum: 0.9 },
    torch: { class: "SGD", options: { momentum: 0.9 } },
  },
  { name: "sgd", config: { kind: "sgd" }, torch: { class: "SGD", options: {} } },
];
const variants = { fused: { fused: true }, foreach: { foreach: true } };

/** Milliseconds of one update alone for each optimizer, two threads, contenders in turn. `ours` is AdamW's. */
export async function benchOptimizer({ size: name, rounds }: BenchOptions): Promise<BenchResult> {
  const size = sizes[name];
  if (size === undefined) throw new Error(`There is no size ${name}: one of ${Object.keys(sizes).join(", ")}.`);
  const parameters = new GPT2Model(size).parameters();
  const shapes = JSON.stringify(parameters.map(({ shape }) => shape));
  const isThere = existsSync(python);
  const raw: { [contender: string]: number[][] } = {};
  const measure = (contender: string, command: string, args: readonly string[]): void => {
    const { times } = lastJson<{ readonly times: readonly number[] }>(command, args);
    (raw[contender] ??= []).push(times.map(hundredths));
  };
  for (let round = 0; round < rounds; round++) {
    for (const { name: optimizer, config, torch } of optimizers) {
      const args = ["--conditions=@pipe/source", join(here, "ours.ts"), name, JSON.stringify(config), `${UPDATES}`];
      measure(optimizer, process.execPath, args);
      if (torch === undefined || !isThere) continue;
      for (const [variant, flags] of Object.entries(variants)) {
        const options = JSON.stringify({ ...torch.options, ...flags });
        const given = [join(here, "pytorch.py"), shapes, torch.class, options, `${UPDATES}`];
        measure(`pytorch-${optimizer}-${variant}`, python, given);
      }
    }
  }
  const time = (contender: string): number => median(raw[contender]!.flatMap((times) => times.slice(SKIPPED)));
  const best = (contender: string): number => Math.min(...raw[contender]!.flat());
  const shown = (contender: string): string => `${time(contender).toFixed(1)} (${best(contender).toFixed(1)}) ms`;
  const count = parameters.reduce((sum, { shape }) => sum + sizeOf(shape), 0);
  console.log(`optimizer ${name}, ${(count / 1e6).toFixed(1)} M parameters, ${machine()}, ${rounds} rounds`);
  console.log(["", "ours: median (best)", "fused, ratio", "foreach, ratio"].map((title) => title.padEnd(28)).join(""));
  const theirs: { [contender: string]: number | "absent" } = {};
  const ratio: { [contender: string]: number | "absent" } = {};
  for (const { name: optimizer, torch } of optimizers) {
    const ours = time(optimizer);
    const cells = Object.keys(variants).map((variant) => {
      const contender = `pytorch-${optimizer}-${variant}`;
      const measured = raw[contender] === undefined ? undefined : time(contender);
      theirs[contender] = measured ?? "absent";
      ratio[contender] = measured === undefined ? "absent" : Math.round((100 * measured) / ours) / 100;
      if (measured === undefined) return torch === undefined ? "not in PyTorch" : "absent (bench/setup/setup.sh)";
      return `${shown(contender)}, ${ratio[contender]}`;
    });
    console.log([optimizer, shown(optimizer), ...cells].map((cell) => cell.padEnd(28)).join(""));
  }
  return {
    ...resultHead("optimizer", name, "ms"),
    ours: time("adamw"),
    theirs,
    ratio,
    raw,
  };
}
