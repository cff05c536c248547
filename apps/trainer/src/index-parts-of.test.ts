import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createRun } from "@pipe/persist";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { openRunParts } from "./index-parts-of.ts";

let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "pipe-parts-of-"));
});

afterEach(() => rm(folder, { recursive: true }));

describe("the parts of a run's index", () => {
  it("are those of its configuration, and need neither its model nor an engine", async () => {
    await writeFile(join(folder, "text.txt"), "text");
    const config = {
      data: {
        source: { kind: "text", path: join(folder, "text.txt") },
        tokenizer: { kind: "byte" },
        sequenceLength: 8,
      },
      model: { kind: "gpt2", positions: 8, width: 8, heads: 1, layers: 1 },
      training: { steps: 1 },
      indexing: {
        embedder: { kind: "http", url: "http://127.0.0.1:9/v1/embeddings", model: "m", dimensions: 3 },
        store: { kind: "postgres", connection: "postgres://127.0.0.1:9/none" },
      },
    };
    const run = join(folder, "run");
    await createRun(run, { name: "run", config, configHash: "h", versions: {}, engine: "onnx", device: "cpu" });
    const { embedder, vectors, ...parts } = await openRunParts({ env: {} }, { index: folder, run });
    expect(embedder.space.id).toBe("http:m:3");
    await expect(vectors!.position(embedder.space)).rejects.toThrow("ECONNREFUSED");
    await vectors![Symbol.asyncDispose]();
    await parts[Symbol.asyncDispose]();
  });

  it("are the model of weights without a run, which must be there", async () => {
    const parts = openRunParts({ env: {} }, { index: folder, run: folder });
    await expect(parts).rejects.toMatchObject({ code: "checkpoint-missing" });
  });
});
