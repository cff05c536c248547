import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type BenchOptions, type BenchResult, hundredths, median, resultHead } from "../result.ts";
import { xlaPlugin } from "../train/xla-plugin.ts";
import { pack } from "./pack.ts";
import type { GpuAbsence, GpuRun } from "./result.ts";

const SKIPPED = 5;
const python = join(import.meta.dirname, "../.envs/torch/bin/python");

/**
 * GPT-2's training step on XLA CUDA beside PyTorch, from the very archive that a bare machine gets: packed, unpacked into an
 * empty folder and run there. With `--device cpu` the same on a processor.
 */
export async function benchGpu({ size, rounds, device = "cuda", rows, steps }: BenchOptions): Promise<BenchResult> {
  const folder = mkdtempSync(join(tmpdir(), "pipe-bench-gpu-"));
  try {
    const archive = join(folder, "pipe-gpu.tar.xz");
    console.log(`packed: ${((await pack(archive)) / 2 ** 20).toFixed(1)} MiB`);
    spawnSync("tar", ["-C", folder, "-xJf", archive], { stdio: "inherit" });
    const plugin = device === "cpu" ? xlaPlugin() : process.env["PIPE_XLA_CUDA"];
    const flags = [
      ["--device", device],
      ["--size", size],
      ["--rounds", `${rounds}`],
      ...(rows === undefined ? [] : [["--rows", `${rows}`]]),
      ...(steps === undefined ? [] : [["--steps", `${steps}`]]),
      ...(plugin === undefined ? [] : [["--plugin", plugin]]),
      ...(existsSync(python) ? [["--python", python]] : []),
    ].flat();
    const { status } = spawnSync(join(folder, "run.sh"), flags, { stdio: ["ignore", "inherit", "inherit"] });
    if (status !== 0) throw new Error(`run.sh ended with ${status}`);
    return resultOf(size, readFileSync(join(folder, "results.jsonl"), "utf8"));
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function resultOf(size: string, text: string): BenchResult {
  const all = text
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as GpuRun | GpuAbsence);
  const runs = all.filter((each): each is GpuRun => "times" in each);
  const raw: { [contender: string]: number[][] } = {};
  for (const { contender, precision, times } of runs)
    (raw[`${contender} ${precision}`] ??= []).push(times.map(hundredths));
  const perStep = (runs[0]?.rows ?? 0) * (runs[0]?.positions ?? 0);
  const speed = (key: string): number =>
    Math.round((1000 * perStep) / median(raw[key]!.flatMap((times) => times.slice(SKIPPED))));
  // Precisions are compared with their like.
  const ours = raw["ours-xla bf16"] === undefined ? 0 : speed("ours-xla bf16");
  const theirs: { [contender: string]: number | "absent" } = {};
  const ratio: { [contender: string]: number | "absent" } = {};
  for (const contender of ["pytorch-eager", "pytorch-compile"]) {
    for (const precision of ["fp32", "bf16"]) {
      const [key, own] = [`${contender} ${precision}`, `ours-xla ${precision}`];
      theirs[key] = raw[key] === undefined ? "absent" : speed(key);
      ratio[key] = raw[key] === undefined || raw[own] === undefined ? "absent" : hundredths(speed(own) / speed(key));
    }
  }
  return { ...resultHead("gpu", size, "tokens/s"), ours, theirs, ratio, raw };
}
