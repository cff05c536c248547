import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createGptTokenizer } from "@pipe/data";
import { benchData } from "../bench-data.ts";
import { lastJson } from "../output.ts";
import { type BenchOptions, type BenchResult, hundredths, machine, median, resultHead } from "../result.ts";

const here = import.meta.dirname;
const python = join(here, "../.envs/transformers/bin/python");

/** Copies of the corpus of 3.9 MB, by size. */
const copies: { readonly [size: string]: number } = { s: 4, m: 32 };

type Round = { readonly seconds: number; readonly tokens: number };

/**
 * Megabytes of text a second from JSON lines to token shards on the disk with GPT-2's tokens, in processes of their own, in turn: ours
 * with two threads and with one, and Hugging Face's `tokenizers` in batches, with as many threads as it takes.
 */
export async function benchDataBuild({ size, rounds }: BenchOptions): Promise<BenchResult> {
  const times = copies[size];
  if (times === undefined) throw new Error(`There is no size ${size}: one of ${Object.keys(copies).join(", ")}.`);
  const folder = mkdtempSync(join(tmpdir(), "pipe-data-build-"));
  const corpus = join(folder, "corpus.jsonl");
  writeFileSync(corpus, readFileSync(join(benchData("chem"), "b1-corpus.jsonl"), "utf8").repeat(times));
  // The file that our tokenizer writes is that of GPT-2 for tokenizers too.
  writeFileSync(join(folder, "gpt2.json"), (await createGptTokenizer("r50k_base")).file());
  const ours = (threads: number): Round =>
    lastJson(process.execPath, ["--conditions=@pipe/source", join(here, "ours.ts"), corpus, folder, `${threads}`]);
  const contenders: { readonly [name: string]: () => Round } = {
    ours: () => ours(2),
    "ours, one thread": () => ours(1),
    ...(existsSync(python)
      ? { tokenizers: () => lastJson<Round>(python, [join(here, "reference_tokenizers.py"), corpus, folder]) }
      : {}),
  };
  const megabytes = readFileSync(corpus).length / 1e6;
  const raw: { [contender: string]: number[][] } = {};
  const counts = new Set<number>();
  for (let round = 0; round < rounds; round++) {
    for (const [name, run] of Object.entries(contenders)) {
      const { seconds, tokens } = run();
      (raw[name] ??= []).push([hundredths(megabytes / seconds)]);
      counts.add(tokens);
    }
  }
  rmSync(folder, { recursive: true });
  if (counts.size > 1) throw new Error(`The contenders made different numbers of tokens: ${[...counts].join(", ")}.`);
  const speed = (name: string): number | "absent" => (raw[name] === undefined ? "absent" : median(raw[name].flat()));
  const own = speed("ours") as number;
  const others = ["ours, one thread", "tokenizers"];
  const theirs = Object.fromEntries(others.map((name) => [name, speed(name)]));
  const ratio = Object.fromEntries(
    others.map((name) => [name, theirs[name] === "absent" ? "absent" : hundredths(own / (theirs[name] as number))]),
  ) as BenchResult["ratio"];
  console.log(`data-build, ${megabytes.toFixed(0)} MB of JSON lines, ${machine()}, ${rounds} rounds`);
  for (const name of ["ours", ...others]) {
    const value = speed(name);
    const shown = value === "absent" ? "absent: bench/setup/setup.sh" : `${value.toFixed(1)} MB/s`;
    console.log(`${name.padEnd(18)} ${shown.padStart(10)}  ${name === "ours" ? "" : `ratio ${ratio[name]}`}`);
  }
  return { ...resultHead("data-build", size, "MB/s"), ours: own, theirs: theirs as BenchResult["theirs"], ratio, raw };
}
