import { resolveCheckpoint } from "@pipe/persist";
import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createOnnxEngine } from "@pipe/engine-onnx";
import { MarkdownIndexer } from "@pipe/indexer";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { loadExperiment } from "./experiment.ts";
import { findLearningRate } from "./find-learning-rate.ts";
import { builtInModules } from "./modules.ts";
import { checkResumable } from "./resumable.ts";
import { embedderOf, generatorOf, openTrainedModel } from "./trained-model.ts";
import { tinyExperiment } from "./tiny-experiment.test.fixture.ts";
import { TrainingPipelineV2 } from "./training-pipeline-v2.ts";

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "pipe-pipeline-"));
  await writeFile(join(folder, "text.txt"), "one two three four five six seven ".repeat(60));
});
afterAll(() => rm(folder, { recursive: true }));

const raw = (): { [key: string]: unknown } => tinyExperiment(folder);

describe("TrainingPipelineV2", () => {
  it("runs an experiment whole: events, run.json, checkpoint, and a model that can be used", async () => {
    const { experiment, components } = await loadExperiment(raw());
    const pipeline = new TrainingPipelineV2(experiment, { components, runsDir: join(folder, "runs"), now: () => 5 });
    const { reason, progress, run, checkpoint } = await pipeline.run();
    expect([reason, progress.step, checkpoint?.step]).toEqual(["completed", 4, 4]);
    const lines = (await readFile(run.events, "utf8")).trim().split("\n");
    expect(JSON.parse(lines[0]!)).toMatchObject({ event: "run-started", time: 5, name: "tiny" });
    expect(JSON.parse(lines.at(-1)!)).toMatchObject({ event: "run-ended", reason: "completed" });
    expect(run.info).toMatchObject({ engine: "onnx", versions: {} });

    const engine = await createOnnxEngine({ threads: 1 });
    const trained = await openTrainedModel(run.path, engine);
    expect(trained).toMatchObject({ step: 4, location: checkpoint!.location });
    const text = await generatorOf(trained, engine).generate(trained.params, {
      prompt: "one",
      tokens: 3,
      temperature: 0,
    });
    expect(text.length).toBeGreaterThan(0);
    const indexer = await MarkdownIndexer.open({
      folder: join(folder, "index"),
      embedder: embedderOf(trained, engine),
    });
    const document = { id: "a", path: "a.md", text: "# One\n\nTwo three.\n", cursor: null };
    await indexer.index(
      (async function* () {
        yield document;
      })(),
    );
    expect((await indexer.search("two", { mode: "vector" }))[0]).toMatchObject({ path: "a.md" });
    await indexer[Symbol.asyncDispose]();
    await engine[Symbol.asyncDispose]();
    expect(await resolveCheckpoint(checkpoint!.location)).toEqual({ location: checkpoint!.location, step: 4 });
    expect(await resolveCheckpoint(folder)).toEqual({ location: folder });
  });

  it("leaves no run behind where a part cannot be made, and opens nothing where nothing is", async () => {
    const runsDir = join(folder, "runs");
    const { experiment, components } = await loadExperiment({ ...raw(), name: "early" });
    const start = (resume: boolean, path: string): Promise<unknown> => {
      const source = { kind: "text", path };
      const changed = { ...experiment, data: { ...experiment.data, source } };
      return new TrainingPipelineV2(changed, { components, runsDir, now: () => 0, resume }).run();
    };
    await expect(start(false, join(folder, "none.txt"))).rejects.toMatchObject({ code: "source-missing" });
    await expect(start(true, join(folder, "text.txt"))).rejects.toMatchObject({ code: "run-missing" });
  });

  it("starts a run again that was stopped before its first step", async () => {
    const runsDir = join(folder, "runs");
    const { experiment, components } = await loadExperiment({ ...raw(), name: "bare" });
    const options = { components, runsDir, now: () => 0 };
    const build = new TrainingPipelineV2({ ...experiment, name: "warm" }, options);
    await build.run();
    const stopped = await new TrainingPipelineV2(experiment, { ...options, signal: AbortSignal.abort() })
      .run()
      .catch(() => undefined);
    expect(stopped).toMatchObject({ reason: "aborted", checkpoint: undefined });
    await expect(resolveCheckpoint(join(runsDir, "bare"))).rejects.toMatchObject({ code: "checkpoint-missing" });
    const again = await new TrainingPipelineV2(experiment, { ...options, resume: true }).run();
    expect([again.reason, again.checkpoint?.step]).toEqual(["completed", 4]);
  });

  it("refuses to resume on other text, even with the same characters", async () => {
    const runsDir = join(folder, "runs");
    const { experiment, components } = await loadExperiment({ ...raw(), name: "text" });
    const path = join(folder, "other.txt");
    await writeFile(path, "one two three ".repeat(100));
    const changed = { ...experiment, data: { ...experiment.data, source: { kind: "text", path } } };
    const options = { components, runsDir, now: () => 0 };
    await new TrainingPipelineV2(changed, options).run();
    await writeFile(path, "one two three ".repeat(101));
    const longer = { ...changed, training: { ...changed.training, steps: 6 } };
    await expect(new TrainingPipelineV2(longer, { ...options, resume: true }).run()).rejects.toThrow(
      "The text has changed",
    );
  });
});

describe("findLearningRate", () => {
  it("finds the same rate each time, makes no run, and ends early when it is asked to", async () => {
    const { experiment, components } = await loadExperiment(raw());
    const cache = join(folder, "searched");
    const abort = new AbortController();
    const options = { components, cache, from: 1e-4, to: 0.3, steps: 30 };
    const first = await findLearningRate(experiment, options);
    expect(first.suggestion).toBeGreaterThan(1e-4);
    expect(await findLearningRate(experiment, options)).toEqual(first);
    const onPoint = ({ rate }: { readonly rate: number }): void => void (rate > 1e-2 && abort.abort());
    const short = await findLearningRate(experiment, { ...options, onPoint, signal: abort.signal });
    expect(short.ended).toBe("aborted");
    expect(short.points.map(({ loss }) => loss)).toEqual(
      first.points.slice(0, short.points.length).map(({ loss }) => loss),
    );
    // The token shards, and nothing else.
    expect(await readdir(cache)).toEqual([expect.stringMatching(/^[0-9a-f]{16}$/)]);
  });
});

describe("loadExperiment", () => {
  it("knows which package brings which kind", () => {
    expect(new Set(builtInModules.map(({ port }) => port))).toEqual(
      new Set(["source", "tokenizer", "model", "optimizer", "schedule", "metric", "embedder", "store", "engine"]),
    );
  });
});

describe("checkResumable", () => {
  it("names each field that may not change", async () => {
    const { experiment } = await loadExperiment(raw());
    checkResumable(experiment, { ...experiment, training: { ...experiment.training, steps: 99 } });
    const moved = { ...experiment.data, source: { kind: "text", path: "/elsewhere" }, folder: "/shards" };
    checkResumable(experiment, { ...experiment, data: moved });
    const changed = { ...experiment, seed: 2, model: { ...experiment.model, width: 32, extra: true } };
    expect(() => checkResumable(experiment, changed)).toThrow(
      "model.width: 16 in the run, 32 now; model.extra: nothing in the run, true now; seed: 1 in the run, 2 now",
    );
  });
});
