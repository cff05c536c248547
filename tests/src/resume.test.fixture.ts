import { spawn } from "node:child_process";
import { globSync } from "node:fs";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ModelCheckpointer } from "@pipe/persist";
import { Random } from "@pipe/core";
import { afterAll, beforeAll, expect, it } from "vitest";

const main = join(import.meta.dirname, "../../apps/trainer/src/main.ts");
let folder: string;

type Started = { readonly exit: Promise<number | null>; kill(): void; output(): string };

function pipe(...args: string[]): Started {
  const child = spawn(process.execPath, ["--conditions=@pipe/source", main, ...args, "--json"], { cwd: folder });
  let output = "";
  child.stdout.on("data", (data: Buffer) => (output += data.toString()));
  child.stderr.on("data", (data: Buffer) => (output += data.toString()));
  return {
    exit: new Promise((resolve) => child.on("exit", resolve)),
    kill: () => void child.kill("SIGKILL"),
    output: () => output,
  };
}

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 5));
}

/** Every file of every checkpoint of a run, by path. */
async function bytesOf(run: string): Promise<ReadonlyMap<string, string>> {
  const root = join(folder, "runs", run, "checkpoints");
  const paths = globSync("step-*/*", { cwd: root }).sort();
  return new Map(
    await Promise.all(
      paths.map(async (path) => [path, (await readFile(join(root, path))).toString("base64")] as const),
    ),
  );
}

/** Exact resume on an engine as a recipe names it, after one kill in so many steps, and after several. */
export function resumeTests(engine: string, { kills, steps = 40 }: { kills: number; steps?: number }): void {
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "pipe-resume-"));
    const words = ["alpha", "beta", "gamma", "delta", "omega"];
    const random = new Random(1);
    const text = Array.from({ length: 3000 }, () => words[random.integer(5)]!).join(" ");
    await writeFile(join(folder, "text.txt"), text);
    await writeFile(
      join(folder, "recipe.yaml"),
      `name: tiny
data:
  source: { kind: text, path: text.txt }
  tokenizer: { kind: char }
  sequenceLength: 16
  split: { by: tail, fraction: 0.1 }
engine: ${engine}
model: { kind: gpt2, positions: 16, width: 16, layers: 2, heads: 2, dropout: 0.2 }
training: { steps: ${steps}, batch: 4 }
evaluation: { every: 5, batches: 2, sample: { every: 20, prompt: "alpha", tokens: 5 } }
checkpoint: { every: 5, keepLast: 100 }
`,
    );
  });
  afterAll(() => rm(folder, { recursive: true }));

  it("gives the same bytes after kill -9 in the middle, with shuffling, dropout, evaluation and samples on", async () => {
    expect(await pipe("train", "recipe.yaml", "--name", "whole").exit).toBe(0);
    const first = pipe("train", "recipe.yaml", "--name", "cut");
    await until(() => /"step":[6-9]\b/.test(first.output()));
    first.kill();
    await first.exit;
    const again = pipe("train", "--resume=cut");
    expect([await again.exit, again.output().includes("run-resumed")]).toEqual([0, true]);
    const [whole, cut] = [await bytesOf("whole"), await bytesOf("cut")];
    expect([...cut.keys()]).toEqual([...whole.keys()]);
    expect(whole.size).toBe((steps / 5) * 6);
    for (const [path, bytes] of whole) expect([path, cut.get(path) === bytes]).toEqual([path, true]);
    const ended = (await readFile(join(folder, "runs/cut/events.jsonl"), "utf8"))
      .split("\n")
      .filter((line) => line.includes('"step-ended"'))
      .map((line) => (JSON.parse(line) as { step: number }).step);
    expect(ended).toEqual(Array.from({ length: steps }, (_, i) => i + 1));
  });

  it.runIf(kills > 0)(
    `finds a complete checkpoint after each of ${kills} kills at random moments, and ends with the bytes of a run without`,
    async () => {
      const random = new Random(7);
      const settings = ["training.accumulate=3", "evaluation.every=2", "optimization.schedule.kind=constant"];
      const options = (until: number, every: number): string[] =>
        [...settings, `training.steps=${until}`, `checkpoint.every=${every}`, "checkpoint.keepLast=2"].flatMap(
          (setting) => ["--set", setting],
        );
      const checkpointer = new ModelCheckpointer({ folder: join(folder, "runs/killed/checkpoints") });
      let newest = 0;
      for (let i = 0; i < kills; i++) {
        const started =
          i === 0
            ? pipe("train", "recipe.yaml", "--name", "killed", ...options(100_000, 1))
            : pipe("train", "--resume=killed");
        // Before the first checkpoint there is nothing to find yet.
        await until(() => started.output().includes(i === 0 ? '"checkpoint-saved"' : '"step-ended"'));
        await new Promise((resolve) => setTimeout(resolve, random.integer(60)));
        started.kill();
        await started.exit;
        const refs = await checkpointer.list();
        const ref = refs.at(-1)!;
        expect(await checkpointer.verify(ref)).toEqual({ ok: true, problems: [] });
        expect(ref.step).toBeGreaterThanOrEqual(newest);
        newest = ref.step;
      }
      const last = newest + 2;
      expect(await pipe("train", "--resume=killed", ...options(last, 1)).exit).toBe(0);
      expect(await pipe("train", "recipe.yaml", "--name", "unkilled", ...options(last, last)).exit).toBe(0);
      const [killed, unkilled] = [await bytesOf("killed"), await bytesOf("unkilled")];
      expect(unkilled.size).toBe(6);
      for (const [path, bytes] of unkilled) expect([path, killed.get(path) === bytes]).toEqual([path, true]);
    },
    60_000 + kills * 15_000,
  );
}
