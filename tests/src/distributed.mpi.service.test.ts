import { execFile, spawn } from "node:child_process";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { Random } from "@pipe/core";
import { ModelCheckpointer, openSafetensors } from "@pipe/persist";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

const { PIPE_MPI: mpi, PIPE_XLA_CPU: plugin } = process.env;
const main = join(import.meta.dirname, "../../apps/trainer/src/main.ts");
const onnx = "{ kind: onnx, threads: 1 }";
const xla = `{ kind: xla, device: ${JSON.stringify(plugin)}, threads: 1 }`;
let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "pipe-mpi-"));
  const words = ["alpha", "beta", "gamma", "delta", "omega"];
  const random = new Random(1);
  await writeFile(join(folder, "text.txt"), Array.from({ length: 3000 }, () => words[random.integer(5)]!).join(" "));
  for (const [name, engine] of Object.entries({ onnx, xla })) {
    await writeFile(
      join(folder, `${name}.yaml`),
      `name: tiny
data:
  source: { kind: text, path: text.txt }
  tokenizer: { kind: char }
  sequenceLength: 16
  split: { by: tail, fraction: 0.1 }
engine: ${engine}
model: { kind: gpt2, positions: 16, width: 16, layers: 2, heads: 2 }
training: { steps: 20, batch: 8 }
optimization: { schedule: { kind: constant, rate: 0.001 } }
evaluation: { every: 10, batches: 2 }
checkpoint: { every: 10 }
`,
    );
  }
});
afterAll(() => rm(folder, { recursive: true }));

const env = { ...process.env, PIPE_MPI_LIBRARY: join(mpi ?? "", "lib/libmpi.so.12") };
const commandOf = (...args: readonly string[]): string[] => [
  process.execPath,
  "--conditions=@pipe/source",
  main,
  "train",
  ...args,
  "--json",
];

/** `pipe train` in so many processes; rejects with what they printed unless all end well. */
function train(processes: number, ...args: string[]): Promise<{ stdout: string; stderr: string }> {
  const command = ["-n", String(processes), ...commandOf(...args)];
  return promisify(execFile)(join(mpi!, "bin/mpirun"), command, { cwd: folder, env });
}

/** The same, each process leaving its number where it can be found. */
function startTrain(processes: number, ...args: string[]) {
  const script = 'echo $$ > "rank-$PMI_RANK"; exec "$@"';
  const command = ["-n", String(processes), "sh", "-c", script, "sh", ...commandOf(...args)];
  // A group of its own, as mpirun signals the one that it is in.
  const child = spawn(join(mpi!, "bin/mpirun"), command, {
    cwd: folder,
    env,
    detached: true,
    stdio: ["ignore", "pipe", "pipe"],
  });
  let output = "";
  for (const stream of [child.stdout, child.stderr]) stream.on("data", (data: Buffer) => (output += data.toString()));
  const exit = new Promise<number | null>((resolve) => child.on("close", resolve));
  /** Whether it printed a text before it ended. */
  const prints = async (text: string): Promise<boolean> => {
    while (!output.includes(text) && child.exitCode === null) await new Promise((resolve) => setTimeout(resolve, 10));
    return output.includes(text);
  };
  return { exit, prints, output: () => output };
}

type Event = { readonly event: string; readonly step: number; readonly loss: number };
const eventsIn = (lines: string): Event[] =>
  lines
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as Event);
const eventsOf = async (run: string): Promise<Event[]> =>
  eventsIn(await readFile(join(folder, "runs", run, "events.jsonl"), "utf8"));
const lossesOf = (events: readonly Event[]): number[] =>
  events.flatMap(({ event, loss }) => (event === "step-ended" ? [loss] : []));

async function weightsOf(run: string, step = 20): Promise<Map<string, Float32Array>> {
  const name = `step-${String(step).padStart(8, "0")}`;
  const file = await openSafetensors(join(folder, "runs", run, "checkpoints", name, "model.safetensors"));
  const weights = new Map<string, Float32Array>();
  for (const tensor of file.tensors.keys()) weights.set(tensor, (await file.read(tensor)).data as Float32Array);
  await file[Symbol.asyncDispose]();
  return weights;
}

async function expectEqualWeights(run: string, other: string, tolerance: number): Promise<void> {
  const expected = await weightsOf(other);
  for (const [tensor, values] of await weightsOf(run)) {
    const worst = values.reduce((most, x, i) => Math.max(most, Math.abs(x - expected.get(tensor)![i]!)), 0);
    expect([tensor, worst < tolerance]).toEqual([tensor, true]);
  }
}

// Waiting for others, MPICH takes a core for each process: four that also compile take their time on two cores.
describe.skipIf(mpi === undefined)("pipe train by several processes over MPI", { timeout: 300_000 }, () => {
  describe.each([
    ["onnx", true],
    ["xla", plugin !== undefined],
  ])("on %s", (engine, isHere) => {
    const recipe = `${engine}.yaml`;

    it.runIf(isHere)("equals one process to 1e-5 after 20 steps, and one process speaks for all", async () => {
      const one = `${engine}-one`;
      await train(1, recipe, "--name", one);
      for (const processes of [2, 4]) {
        const name = `${engine}-by-${processes}`;
        const { stdout } = await train(processes, recipe, "--name", name);
        const events = eventsIn(stdout);
        const count = (wanted: string): number => events.filter(({ event }) => event === wanted).length;
        expect(["run-started", "step-ended", "evaluation-ended", "train-ended"].map(count)).toEqual([1, 20, 2, 1]);
        await expectEqualWeights(name, one, 1e-5);
        const [losses, alone] = [lossesOf(await eventsOf(name)), lossesOf(await eventsOf(one))];
        losses.forEach((loss, i) => expect(Math.abs(loss - alone[i]!)).toBeLessThan(1e-5));
      }
    });

    it.runIf(isHere)("goes on with the rest where one is killed in a step", async () => {
      const [run, steps] = [`${engine}-killed`, ["--set", "training.steps=100000"]];
      const started = startTrain(3, recipe, "--name", run, ...steps);
      expect([await started.prints('"checkpoint-saved"'), started.output()]).toEqual([true, expect.anything()]);
      process.kill(Number(await readFile(join(folder, "rank-2"), "utf8")), "SIGKILL");
      expect(await started.exit).not.toBe(0);
      expect(started.output()).toMatch(/signal 9/);
      const checkpointer = new ModelCheckpointer({ folder: join(folder, "runs", run, "checkpoints") });
      const newest = (await checkpointer.list()).at(-1)!;
      expect(await checkpointer.verify(newest)).toEqual({ ok: true, problems: [] });
      const { stdout } = await train(2, `--resume=${run}`, "--set", `training.steps=${newest.step + 10}`);
      expect(eventsIn(stdout).at(-1)).toMatchObject({ event: "train-ended", step: newest.step + 10 });
    });
  });

  it("goes on with another number of processes", async () => {
    await train(2, "onnx.yaml", "--name", "changed", "--set", "training.steps=10");
    await train(4, "--resume=changed", "--set", "training.steps=20");
    await expectEqualWeights("changed", "onnx-one", 1e-4);
    expect((await eventsOf("changed")).filter(({ event }) => event === "step-ended")).toHaveLength(20);
  });

  it("fails in all processes where the main one cannot begin", async () => {
    await expect(train(2, "onnx.yaml", "--name", "onnx-one")).rejects.toThrow(/already/);
  });
});
