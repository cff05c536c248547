import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { EventBus } from "@pipe/monitor";
import { afterAll, beforeAll, expect, it } from "vitest";
import { compose } from "./compose.ts";
import { loadExperiment } from "./experiment.ts";
import { checkModelFits } from "./model-size.ts";
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
