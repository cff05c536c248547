import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { EventBus } from "@pipe/monitor";
import { afterAll, beforeAll, expect, it } from "vitest";
import { compose } from "./compose.ts";
import { loadExperiment } from "./experiment.ts";
import { checkModelFits } from "./model-size.ts";
import { checkResumable } from "./resumable.ts";
import { runTokens } from "./run-tokens.ts";

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "pipe-compose-"));
  await writeFile(join(folder, "text.txt"), "one two three four five six seven ".repeat(20));
});
afterAll(() => rm(folder, { recursive: true }));

const raw = (width = 8): { readonly [key: string]: unknown } => ({
  engine: { threads: 1 },
  data: {
    source: { kind: "text", path: "text.txt" },
    tokenizer: { kind: "byte" },
    sequenceLength: 8,
    split: { by: "tail", fraction: 0.2 },
  },
  model: { kind: "gpt2", positions: 8, width, layers: 1, heads: 1 },
  training: { steps: 2, batch: 2 },
});

async function composed(given = raw()): Promise<ReturnType<typeof compose>> {
  const { experiment, components } = await loadExperiment(given, { from: folder });
  return compose(experiment, {
    components,
    events: new EventBus(),
    checkpoints: join(folder, "checkpoints"),
    cache: join(folder, "cache"),
    signal: new AbortController().signal,
  });
}

it("two trainings share engine and tokens, and nothing that learns", async () => {
  const container = await composed();
  const [first, second] = [await container.scope().start(), container.scope()];
  expect(await second.get(runTokens.engine)).toBe(await first.get(runTokens.engine));
  expect(await second.get(runTokens.dataset)).toBe(await first.get(runTokens.dataset));
  expect(await second.get(runTokens.step)).not.toBe(await first.get(runTokens.step));
  const { reason, progress } = await (await first.get(runTokens.trainer)).train();
  expect([reason, progress.step]).toEqual(["completed", 2]);
  expect((await second.get(runTokens.step)).state.step).toBe(0);
  await container[Symbol.asyncDispose]();
});

it("refuses a model that cannot fit before anything is allocated for it", async () => {
  const container = await composed(raw(200_000));
  await expect(container.scope().start()).rejects.toMatchObject({
    code: "model-too-large",
    message: expect.stringMatching(/at most .* GiB[^]*for 4\.8e\+11 parameters/) as string,
  });
  await container[Symbol.asyncDispose]();
});

it("knows nothing of a device that does not say how much memory it has", () => {
  const parameters = [{ name: "w", shape: [1e9, 1e9], dtype: "float32", init: "zeros", decay: true, trainable: true }];
  const optimizer = { slots: () => [], update: () => ({ params: {}, slots: {} }) };
  const device = { kind: "gpu", name: "g", count: 1, dtypes: [] } as const;
  expect(() => checkModelFits(parameters as never, optimizer, device)).not.toThrow();
  expect(() => checkModelFits(parameters as never, optimizer, { ...device, memoryBytes: 2 ** 36 })).toThrow("64 GiB");
});

it.each([
  ["fp16", 16],
  [undefined, 0],
] as const)("with precision %s a loss scale may seek its size by %i steps", async (precision, patience) => {
  const training = { steps: 2, batch: 2, onNonFinite: "stop", ...(precision === undefined ? {} : { precision }) };
  const container = await composed({ ...raw(), training });
  const guard = await container.scope().get(runTokens.guard);
  const refused = {
    applied: 0,
    tokens: 0,
    epoch: 0,
    loss: 2,
    rate: 1,
    norm: Infinity,
    accepted: false,
    batchTokens: 1,
  };
  const progress = { step: 1, applied: 1, tokens: 0, epoch: 0, last: false };
  for (let step = 1; step <= patience; step++) guard.observe({ ...refused, step });
  guard.check(progress);
  guard.observe({ ...refused, step: patience + 1 });
  expect(() => guard.check(progress)).toThrow(/diverged/);
  await container[Symbol.asyncDispose]();
});

it("a step that computes all or some blocks again, or fits a memory, comes to the same", async () => {
  const losses: number[] = [];
  for (const plan of [{}, { recompute: true }, { recompute: ["h.0"] }, { memory: 1 }]) {
    const container = await composed({ ...raw(), training: { steps: 2, batch: 2, ...plan } });
    const run = await container.scope().start();
    await (await run.get(runTokens.trainer)).train();
    losses.push((await (await run.get(runTokens.step)).drain())!.loss);
    await container[Symbol.asyncDispose]();
  }
  for (const loss of losses) expect(loss).toBeCloseTo(losses[0]!, 6);
});

it("a run goes on only with the settings that it began with", async () => {
  const of = async (optimizer: object) =>
    (await loadExperiment({ ...raw(), optimization: { optimizer } }, { from: folder })).experiment;
  const before = await of({ kind: "adamw" });
  checkResumable(before, await of({ kind: "adamw" }));
  const after = await of({ kind: "sgd", momentum: 0.9 });
  expect(() => checkResumable(before, after)).toThrow(/optimizer\.momentum: nothing in the run, 0\.9 now/);
  expect(() => checkResumable(after, before)).toThrow(/optimizer\.momentum: 0\.9 in the run, nothing now/);
});

it.each([
  [{ batch: 67, epochs: 2 }, true, 2],
  [{ batch: 68, epochs: 2 }, false, 2],
  [{ batch: 4, epochs: 3, overfit: 2 }, true, 6],
])("a schedule ends with the last step of a budget of epochs: %o, shuffled %s", async (training, shuffle, steps) => {
  const given = raw();
  const container = await composed({ ...given, training, data: { ...(given["data"] as object), shuffle } });
  const run = await container.scope().start();
  const { progress } = await (await run.get(runTokens.trainer)).train();
  expect([progress.step, await run.get(runTokens.steps)]).toEqual([steps, steps]);
  await container[Symbol.asyncDispose]();
});
