import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { IEmbedder } from "@pipe/core";
import { UsearchVectorStore } from "@pipe/indexer";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { loadExperiment } from "./experiment.ts";
import { openIndexParts } from "./index-parts.ts";
import { tinyExperiment } from "./tiny-experiment.test.fixture.ts";

let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "pipe-index-parts-"));
  await writeFile(join(folder, "text.txt"), "some text ".repeat(100));
});

afterAll(() => rm(folder, { recursive: true }));

/** An embedder that knows one direction, and how often it was disposed. */
function counted(): IEmbedder & AsyncDisposable & { disposed: number } {
  return {
    space: { id: "counted", dimensions: 2 },
    disposed: 0,
    embed: (texts) => Promise.resolve(texts.map(() => Float32Array.of(1, 0))),
    async [Symbol.asyncDispose]() {
      await Promise.resolve();
      this.disposed++;
    },
  };
}

async function partsOf(indexing: object, plugins: readonly string[] = []) {
  const model = counted();
  const { experiment, components } = await loadExperiment({ ...tinyExperiment(folder, { indexing }), plugins });
  const open = () =>
    openIndexParts(experiment.indexing, { components, index: folder, model: () => Promise.resolve(model) });
  return { model, open };
}

describe("openIndexParts", () => {
  it("gives the run's model and no store where nothing is said, and disposes the model once", async () => {
    const { model, open } = await partsOf({});
    const parts = await open();
    expect([parts.embedder, parts.vectors]).toEqual([model, undefined]);
    await parts[Symbol.asyncDispose]();
    expect(model.disposed).toBe(1);
  });

  it("makes what is named, without opening the model", async () => {
    const url = "http://127.0.0.1:9/v1/embeddings";
    const { model, open } = await partsOf({
      embedder: { kind: "http", url, model: "m", dimensions: 3 },
      store: { kind: "usearch", exactBelow: 5 },
    });
    const { embedder, vectors, ...parts } = await open();
    expect(embedder.space).toEqual({ id: "http:m:3", dimensions: 3 });
    expect(vectors).toBeInstanceOf(UsearchVectorStore);
    await vectors![Symbol.asyncDispose]();
    await parts[Symbol.asyncDispose]();
    expect(model.disposed).toBe(0);
  });

  it("takes an embedder of a plug-in, which may use the model, and disposes both", async () => {
    const plugin = join(folder, "turned.mjs");
    await writeFile(
      plugin,
      `let disposed = 0;
      export default { name: "turned", api: 1, components: [{ port: "embedder", kind: "turned", create: async (_, services) => {
        const model = await services.get("modelEmbedder");
        return {
          space: { ...model.space, id: "turned:" + model.space.id },
          embed: async (texts) => (await model.embed(texts)).map((vector) => vector.toReversed()),
          [Symbol.asyncDispose]: async () => void (globalThis.turnedDisposed = ++disposed),
        };
      } }] };`,
    );
    const { model, open } = await partsOf({ embedder: { kind: "turned" } }, [plugin]);
    const parts = await open();
    expect(parts.embedder.space.id).toBe("turned:counted");
    expect([...(await parts.embedder.embed(["a"]))[0]!]).toEqual([0, 1]);
    await parts[Symbol.asyncDispose]();
    expect([model.disposed, (globalThis as { turnedDisposed?: number }).turnedDisposed]).toEqual([1, 1]);
  });

  it("closes what it has opened where another part fails", async () => {
    const { model, open } = await partsOf({ store: { kind: "usearch" } });
    const { components } = await loadExperiment(tinyExperiment(folder, {}));
    const bad = openIndexParts(
      { store: { kind: "postgres", connection: "none" } },
      { components, index: folder, model: () => Promise.resolve(model) },
    );
    await expect(bad).rejects.toMatchObject({ code: "config-invalid" });
    expect(model.disposed).toBe(1);
    const parts = await open();
    await parts.vectors![Symbol.asyncDispose]();
    await parts[Symbol.asyncDispose]();
  });

  it("is checked with the recipe", async () => {
    const bad = (indexing: object): Promise<unknown> => loadExperiment(tinyExperiment(folder, { indexing }));
    await expect(bad({ embedder: { kind: "onxn" } })).rejects.toThrow("indexing.embedder");
    await expect(bad({ embedder: { kind: "http", url: "x", model: "m", dimensions: 1 } })).rejects.toThrow(
      "embedder.url",
    );
    await expect(bad({ store: { kind: "usearch", exactbelow: 1 } })).rejects.toThrow("exactBelow");
  });
});
