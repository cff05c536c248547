import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { InMemoryTransport } from "@modelcontextprotocol/sdk/inMemory.js";
import type { SourceDocument } from "@pipe/core";
import { MarkdownIndexer } from "@pipe/indexer";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createMcpServer } from "./mcp-server.ts";

let folder: string;
let indexer: MarkdownIndexer;
let client: Client;

async function* documents(): AsyncGenerator<SourceDocument> {
  yield { id: "tea.md", path: "tea.md", text: "# Tea\n\nGreen tea is not fermented.\n", cursor: null };
  yield { id: "sub/sky.md", path: "sub/sky.md", text: "# Sky\n\nJupiter is a planet.\n", cursor: null };
}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "pipe-mcp-"));
  indexer = await MarkdownIndexer.open({ folder, worker: false });
  await indexer.index(documents());
  const [here, there] = InMemoryTransport.createLinkedPair();
  await createMcpServer(indexer).connect(there);
  client = new Client({ name: "test", version: "1" });
  await client.connect(here);
});
afterAll(async () => {
  await client.close();
  await indexer[Symbol.asyncDispose]();
  await rm(folder, { recursive: true });
});

async function call(name: string, args: { [name: string]: unknown } = {}): Promise<{ text: string; isError: boolean }> {
  const { content, isError } = await client.callTool({ name, arguments: args });
  return { text: (content as { text: string }[])[0]!.text, isError: isError === true };
}

describe("the tools of an index", () => {
  it("search, with and without a filter", async () => {
    const hits = JSON.parse((await call("search", { query: "green tea" })).text) as { path: string }[];
    expect(hits[0]!.path).toBe("tea.md");
    expect((await call("search", { query: "green tea", limit: 1, filter: { path: "sub/**" } })).text).toBe("[]");
  });

  it("retrieve passages with citations", async () => {
    expect((await call("retrieve", { query: "planet", tokens: 50 })).text).toContain("[sub/sky.md#sky:1]");
    expect((await call("retrieve", { query: "planet", filter: { path: "tea*" } })).text).not.toContain("Jupiter");
  });

  it("get a document, or say that there is none", async () => {
    expect((await call("get", { path: "tea.md" })).text).toContain("# Tea");
    const missing = await call("get", { path: "no.md" });
    expect([missing.isError, missing.text]).toEqual([true, 'The index has no document "no.md".']);
  });

  it("tell what the index holds", async () => {
    expect(JSON.parse((await call("status")).text)).toMatchObject({ documents: 2 });
  });
});
