import { createServer } from "node:http";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createComponent, type Services, serviceTokens } from "@pipe/core";
import { describe, expect, it } from "vitest";
import { definitions } from "./definitions.ts";
import { TrigramEmbedder } from "./trigram-embedder.test.fixture.ts";

const servicesOf = (known: { readonly [name: string]: unknown }): Services => ({
  has: (name) => name in known,
  get: ((name: string) => Promise.resolve(known[name])) as Services["get"],
});

describe("the embedders that a configuration names", () => {
  it("are the model of the run", async () => {
    const model = new TrigramEmbedder();
    const services = servicesOf({ [serviceTokens.modelEmbedder]: model });
    expect(await createComponent(definitions, "embedder", { kind: "model" }, services)).toBe(model);
  });

  it("are an endpoint, with its options", async () => {
    const asked: unknown[] = [];
    const server = createServer((request, response) => {
      let body = "";
      request.on("data", (part) => (body += String(part)));
      request.on("end", () => {
        asked.push([request.headers.authorization, JSON.parse(body)]);
        response.end(JSON.stringify({ data: [{ index: 0, embedding: [3, 4] }] }));
      });
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const { port } = server.address() as AddressInfo;
    const url = `http://127.0.0.1:${port}/v1/embeddings`;
    const folder = await mkdtemp(join(tmpdir(), "pipe-key-"));
    const keyFile = join(folder, "key");
    await writeFile(keyFile, "k\n");
    const config = { kind: "http", url, model: "m", dimensions: 2, keyFile, shorten: true };
    const embedder = await createComponent(definitions, "embedder", config);
    const [vector] = await embedder.embed(["a"]);
    server.close();
    await rm(folder, { recursive: true });
    const missing = createComponent(definitions, "embedder", config);
    await expect(missing).rejects.toMatchObject({ code: "key-missing", message: expect.stringContaining(keyFile) });
    expect([...vector!].map((value) => Math.round(10 * value))).toEqual([6, 8]);
    expect(asked).toEqual([["Bearer k", expect.objectContaining({ model: "m", dimensions: 2, input: ["a"] })]]);
  });

  it("say which folder has no model", async () => {
    const config = { kind: "onnx", folder: join(tmpdir(), "no-such-model"), threads: 1 };
    await expect(createComponent(definitions, "embedder", config)).rejects.toMatchObject({ code: "embedder-missing" });
  });

  it("are checked", async () => {
    const config = { kind: "http", url: "no address", model: "m", dimensions: 0 };
    const error = createComponent(definitions, "embedder", config);
    await expect(error).rejects.toMatchObject({
      code: "config-invalid",
      message: expect.stringMatching(/url.*dimensions/),
    });
  });
});

describe("the vector stores that a configuration names", () => {
  it("are usearch in the index's folder", async () => {
    const folder = await mkdtemp(join(tmpdir(), "pipe-definitions-"));
    const services = servicesOf({ [serviceTokens.graphFolder]: folder });
    const store = await createComponent(definitions, "store", { kind: "usearch", exactBelow: 7 }, services);
    expect(store.keepsFrom).toBe(8);
    await store[Symbol.asyncDispose]();
    await rm(folder, { recursive: true });
  });

  it("are PostgreSQL, which is reached when it is asked", async () => {
    const config = { kind: "postgres", connection: "postgres://nobody@127.0.0.1:9/none", schema: "notes" };
    const store = await createComponent(definitions, "store", config);
    await expect(store.position({ id: "s", dimensions: 2 })).rejects.toThrow("ECONNREFUSED");
    await store[Symbol.asyncDispose]();
    const bad = createComponent(definitions, "store", { kind: "postgres", connection: "mysql://", schema: "A b" });
    await expect(bad).rejects.toThrow("postgres://");
  });
});
