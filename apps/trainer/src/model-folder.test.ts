import { createHash } from "node:crypto";
import { cp, mkdir, readFile, readdir, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { openExperiment } from "./experiment.test.fixture.ts";
import { tinyTextModels } from "./tiny-text-models.test.fixture.ts";

const { folder, pipe } = await openExperiment();
const { tinyModel, tinyModels } = await tinyTextModels();
const models = tinyModels(tinyModel);

/** A hub that has each folder as a model of `us`, such as `left` as `us/left`. */
const server = createServer((request, response) => {
  const { url = "" } = request;
  void (async () => {
    const listed = /^\/api\/models\/us\/(\w+)\/revision\/main/.exec(url)?.[1];
    const names = listed === undefined ? [] : await readdir(join(folder, listed), { recursive: true }).catch(() => []);
    if (names.length > 0) {
      const siblings: object[] = [];
      for (const rfilename of names.sort()) {
        const bytes = await readFile(join(folder, listed!, rfilename)).catch(() => undefined);
        if (bytes === undefined) continue; // a folder
        const sha256 = createHash("sha256").update(bytes).digest("hex");
        siblings.push({ rfilename, size: bytes.length, lfs: { sha256 } });
      }
      response.end(JSON.stringify({ sha: "abc123", siblings }));
      return;
    }
    const [, model, name] = /^\/us\/(\w+)\/resolve\/abc123\/([\w./-]+)$/.exec(url) ?? [];
    if (name === undefined) response.writeHead(401).end("Invalid username or password.");
    else response.end(await readFile(join(folder, model!, name)));
  })();
});
await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
afterAll(() => void server.close());
const hub = { HF_ENDPOINT: `http://127.0.0.1:${(server.address() as AddressInfo).port}` };

describe("a model of Hugging Face's hub", () => {
  it("is imported by its name, and again without a connection", async () => {
    await writeFile(join(folder, "winds.txt"), "north wind, east wind, south wind. ".repeat(200));
    const small = ["--set", "data.source.path=winds.txt", "--set", "training.steps=4"];
    expect((await pipe(["train", "tiny.yaml", "--name", "leaving", ...small])).code).toBe(0);
    expect((await pipe(["export", "hf", "--run", "leaving", "--out", "left"])).code).toBe(0);
    const env = { ...hub, PIPE_CACHE: join(folder, "cache") };
    const imported = await pipe(["import", "hf", "us/left"], undefined, env);
    expect([imported.err, imported.out]).toEqual(["", expect.stringContaining("pipe generate --run left")]);
    expect(await readdir(join(folder, "cache/models/us/left/abc123"))).toEqual([
      "config.json",
      "model.safetensors",
      "tokenizer.json",
    ]);
    const offline = { ...env, HF_ENDPOINT: "http://127.0.0.1:1" };
    expect((await pipe(["import", "hf", "us/left", "--name", "again"], undefined, offline)).code).toBe(0);
  });

  it("makes vectors with one of its ONNX files, and is brought without the others", async () => {
    const env = { ...hub, PIPE_CACHE: join(folder, "cache") };
    const files = { "onnx/model.onnx": "large", "onnx/model_q8.onnx": tinyModel };
    await cp(await models.make("words", files), join(folder, "words"), { recursive: true });
    await mkdir(join(folder, "tea"));
    await writeFile(join(folder, "tea/tea.md"), "tea\n");
    const index = (named: string) => pipe(["index", "tea", "--embedder", named, "--index", "by-words"], undefined, env);
    const made = await index("us/words/onnx/model_q8.onnx");
    expect([made.err, made.out]).toEqual(["", expect.stringContaining("1 embedded")]);
    const brought = (await readdir(join(folder, "cache/models/us/words/abc123"), { recursive: true })).sort();
    expect(brought).toEqual(["onnx", "onnx/model_q8.onnx", "tokenizer.json"]);
    const other = await index("us/words/onnx/model_q4.onnx");
    expect([other.code, other.err]).toEqual([
      1,
      expect.stringMatching(
        /expected: tokenizer\.json, and onnx\/model_q4\.onnx\n +got: onnx\/model\.onnx, onnx\/model_q8\.onnx/,
      ),
    ]);
  });

  it("that is not there, or has not the files, is said", async () => {
    const env = { ...hub, PIPE_CACHE: join(folder, "cache") };
    const unknown = await pipe(["import", "hf", "us/right"], undefined, env);
    expect([unknown.code, unknown.err]).toEqual([1, expect.stringContaining("There is no folder us/right")]);
    expect(unknown.err).toContain("401 Invalid username");
    const noVectors = await pipe(["index", ".", "--embedder", "us/left", "--index", "by-left"], undefined, env);
    expect([noVectors.code, noVectors.err]).toEqual([1, expect.stringContaining("tokenizer.json")]);
    expect((await pipe(["import", "hf", "nowhere"], undefined, env)).code).toBe(1);
  });
});
