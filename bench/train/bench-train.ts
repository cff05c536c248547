import { existsSync } from "node:fs";
import { join } from "node:path";
import { cacheFolder } from "@pipe/engine-xla/plugins";
import { lastJson, output } from "../output.ts";
import { type BenchOptions, type BenchResult, hundredths, machine, median, resultHead } from "../result.ts";
import { type Size, sizes } from "./sizes.ts";
import { xlaPlugin } from "./xla-plugin.ts";

/** Steps at the beginning that do not count: compilation and warm-up. */
const SKIPPED = 3;

type Round = { readonly times: readonly number[]; readonly memory: number };
type Contender = { readonly name: string; readonly needs?: string; readonly run: (size: Size, name: string) => Round };

const here = import.meta.dirname;
const envs = join(here, "../.envs");
const python = join(envs, "torch/bin/python");

function pytorch(flags: readonly string[]): Contender["run"] {
  return ({ rows, steps }, name) => {
    const args = ["--preset", name, "--batch", `${rows}`, "--steps", `${steps}`, "--threads", "2", ...flags];
    const text = output(python, [join(here, "reference_pytorch.py"), ...args]);
    const times = [...text.matchAll(/ ([\d.]+) ms /g)].map((match) => Number(match[1]));
    return { times, memory: Number(/"rss_mb": (\d+)/.exec(text)?.[1]) };
  };
}

/** Our own step on another engine. */
const onEngine =
  (engine: string): Contender["run"] =>
  (_, name) =>
    lastJson<Round>(process.execPath, ["--conditions=@pipe/source", join(here, "ours.ts"), name, engine]);
/** tfjs as its users write it. */
const tfjs = (backend: string, folder: string, size: Size): Round =>
  lastJson<Round>(process.execPath, [join(here, "tfjs-eager.mjs"), backend, folder, JSON.stringify(size)]);
/** `node tools/services.mjs install` makes it. */
const tfjsNode =
  process.env["PIPE_TFJS_NODE"] ??
  join(cacheFolder(process.env), "tfjs-node-4.22.0/node_modules/@tensorflow/tfjs-node");
/** A path that is nowhere stands for a plug-in that is not installed. */
const xla = xlaPlugin() ?? join(envs, "xla");

const contenders: readonly Contender[] = [
  {
    name: "ours",
    run: onEngine("onnx"),
  },
  { name: "ours-xla", needs: xla, run: onEngine("xla") },
  { name: "ours-xla-bf16", needs: xla, run: onEngine("xla-bf16") },
  { name: "pytorch-eager", needs: python, run: pytorch([]) },
  { name: "pytorch-compile", needs: python, run: pytorch(["--compile"]) },
  { name: "pytorch-compile-bf16", needs: python, run: pytorch(["--compile", "--bf16"]) },
  {
    name: "tfjs-wasm",
    needs: join(envs, "wasm/node_modules"),
    // Fifty times slower: a few steps say enough.
    run: (size) => tfjs("wasm", join(envs, "wasm"), { ...size, steps: SKIPPED + 2 }),
  },
  {
    name: "tfjs-node",
    needs: tfjsNode,
    run: (size) => tfjs("node", tfjsNode, { ...size, steps: Math.min(size.steps, SKIPPED + 20) }),
  },
];

/** Tokens a second of the same GPT's training step, two threads, contenders in turn; fp32 where the name says nothing else. */
export async function benchTrain({ size: name, rounds, only }: BenchOptions): Promise<BenchResult> {
  const size = sizes[name];
  if (size === undefined) throw new Error(`There is no size ${name}: one of ${Object.keys(sizes).join(", ")}.`);
  const wanted = contenders.filter((each) => each.name === "ours" || only === undefined || only.includes(each.name));
  const there = wanted.filter(({ needs }) => needs === undefined || existsSync(needs));
  const raw: { [contender: string]: number[][] } = {};
  const memory: { [contender: string]: number } = {};
  for (let round = 0; round < rounds; round++) {
    for (const contender of there) {
      const result = contender.run(size, name);
      (raw[contender.name] ??= []).push(result.times.map(hundredths));
      memory[contender.name] = Math.max(memory[contender.name] ?? 0, result.memory);
    }
  }
  const perStep = size.rows * size.positions;
  const speed = (contender: string): number =>
    (1000 * perStep) / median(raw[contender]!.flatMap((times) => times.slice(SKIPPED)));
  const best = (contender: string): number => (1000 * perStep) / Math.min(...raw[contender]!.flat());
  const ours = speed("ours");
  console.log(`train ${name}, ${machine()}, ${rounds} rounds`);
  console.log("                       median      best   memory   ratio (median)");
  const theirs: { [contender: string]: number | "absent" } = {};
  const ratio: { [contender: string]: number | "absent" } = {};
  for (const { name: contender } of wanted) {
    if (raw[contender] === undefined) {
      console.log(`${contender.padEnd(20)} absent (bench/setup/setup.sh, pipe engines install xla-cpu)`);
      theirs[contender] = ratio[contender] = "absent";
      continue;
    }
    const value = speed(contender);
    if (contender !== "ours")
      [theirs[contender], ratio[contender]] = [Math.round(value), Math.round((100 * ours) / value) / 100];
    const figures = [value, best(contender)].map((each) => `${Math.round(each)}`.padStart(9)).join(" ");
    const shown = contender === "ours" ? "" : `${ratio[contender]}`;
    console.log(`${contender.padEnd(20)} ${figures} ${`${Math.round(memory[contender]!)} MB`.padStart(8)}   ${shown}`);
  }
  return {
    ...resultHead("train", name, "tokens/s"),
    ours: Math.round(ours),
    theirs,
    ratio,
    raw,
  };
}
