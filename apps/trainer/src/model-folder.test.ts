import { createHash } from "node:crypto";
import { readFile, readdir, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { openExperiment } from "./experiment.test.fixture.ts";

const { folder, pipe } = await openExperiment();

/** A hub that has the folder `left` as the model `us/left`. */
const server = createServer((request, response) => {
  const { url = "" } = request;
  void (async () => {
    if (url.startsWith("/api/models/us/left/revision/main")) {
      const siblings = await Promise.all(
        (await readdir(join(folder, "left"))).map(async (rfilename) => {
          const bytes = await readFile(join(folder, "left", rfilename));
          return { rfilename, size: bytes.length, lfs: { sha256: createHash("sha256").update(bytes).digest("hex") } };
        }),
      );
      response.end(JSON.stringify({ sha: "abc123", siblings }));
      return;
    }
    const name = /^\/us\/left\/resolve\/abc123\/([\w.-]+)$/.exec(url)?.[1];
    if (name === undefined) response.writeHead(401).end("Invalid username or password.");
    else response.end(await readFile(join(folder, "left", name)));
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
