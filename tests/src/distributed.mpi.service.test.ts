import { execFile } from "node:child_process";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { Random } from "@pipe/core";
import { openSafetensors } from "@pipe/persist";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

const mpi = process.env["PIPE_MPI"];
const main = join(import.meta.dirname, "../../apps/trainer/src/main.ts");
let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "pipe-mpi-"));
  const words = ["alpha", "beta", "gamma", "delta", "omega"];
  const random = new Random(1);
  await writeFile(join(folder, "text.txt"), Array.from({ length: 3000 }, () => words[random.integer(5)]!).join(" "));
  await writeFile(
    join(folder, "recipe.yaml"),
    `name: tiny
data:
  source: { kind: text, path: text.txt }
  tokenizer: { kind: char }
  sequenceLength: 16
  split: { by: tail, fraction: 0.1 }
engine: { kind: onnx, threads: 1 }
model: { kind: gpt2, positions: 16, width: 16, layers: 2, heads: 2 }
training: { steps: 20, batch: 8 }
optimization: { schedule: { kind: constant, rate: 0.001 } }
evaluation: { every: 10, batches: 2 }
checkpoint: { every: 10 }
`,
  );
});
afterAll(() => rm(folder, { recursive: true }));

/** `pipe train` in so many processes; rejects with what they printed unless all end well. */
function train(processes: number, ...args: string[]): Promise<{ stdout: string }> {
  const command = [process.execPath, "--conditions=@pipe/source", main, "train", ...args, "--json"];
  const env = { ...process.env, PIPE_MPI_LIBRARY: join(mpi!, "lib/libmpi.so.12") };
  return promisify(execFile)(join(mpi!, "bin/mpirun"), ["-n", String(processes), ...command], { cwd: folder, env });
}

const eventsOf = async (run: string): Promise<{ event: string; step: number; loss: number }[]> =>
  (await readFile(join(folder, "runs", run, "events.jsonl"), "utf8"))
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as { event: string; step: number; loss: number });

async function weightsOf(run: string, step = 20): Promise<Map<string, Float32Array>> {
  const name = `step-${String(step).padStart(8, "0")}`;
  const file = await openSafetensors(join(folder, "runs", run, "checkpoints", name, "model.safetensors"));
  const weights = new Map<string, Float32Array>();
  for (const tensor of file.tensors.keys()) weights.set(tensor, (await file.read(tensor)).data as Float32Array);
  await file[Symbol.asyncDispose]();
  return weights;
}

describe.skipIf(mpi === undefined)("pipe train by several processes over MPI", () => {
  it("equals one process to 1e-5 after 20 steps, and one process speaks for all", async () => {
    await train(1, "recipe.yaml", "--name", "one");
    const expected = await weightsOf("one");
    for (const processes of [2, 4]) {
      const name = `by-${processes}`;
      const { stdout } = await train(processes, "recipe.yaml", "--name", name);
      const lines = stdout
        .trim()
        .split("\n")
        .map((line) => JSON.parse(line) as { event: string });
      expect(lines.filter(({ event }) => event === "step-ended")).toHaveLength(20);
      expect(lines.filter(({ event }) => event === "train-ended")).toHaveLength(1);
      for (const [tensor, values] of await weightsOf(name)) {
        const other = expected.get(tensor)!;
        values.forEach((x, i) => expect(Math.abs(x - other[i]!)).toBeLessThan(1e-5));
      }
      const [losses, alone] = await Promise.all([eventsOf(name), eventsOf("one")]);
      const lossesOf = (events: typeof losses): number[] =>
        events.flatMap(({ event, loss }) => (event === "step-ended" ? [loss] : []));
      lossesOf(losses).forEach((loss, i) => expect(Math.abs(loss - lossesOf(alone)[i]!)).toBeLessThan(1e-5));
    }
  });

  it("goes on with another number of processes", async () => {
    await train(2, "recipe.yaml", "--name", "changed", "--set", "training.steps=10");
    await train(4, "--resume=changed", "--set", "training.steps=20");
    const expected = await weightsOf("one");
    for (const [tensor, values] of await weightsOf("changed"))
      values.forEach((x, i) => expect(Math.abs(x - expected.get(tensor)![i]!)).toBeLessThan(1e-4));
  });

  it("fails in all processes where the main one cannot begin", async () => {
    await expect(train(2, "recipe.yaml", "--name", "one")).rejects.toThrow(/already/);
  });
});
