import { McpServer } from "@modelcontextprotocol/sdk/server/mcp.js";
import { definedOnly, type IDocumentIndexer } from "@pipe/core";
import { z } from "zod";
import { versions } from "../versions.ts";

type Answer = { content: { type: "text"; text: string }[]; isError?: boolean };

const filter = z
  .object({
    path: z.string().optional().describe("A glob over paths: guide/**"),
    heading: z.string().optional().describe("A heading above the passage or in it, whole"),
    language: z.string().optional().describe("Language of a code block in the passage"),
    since: z.string().optional().describe("Front matter's date, from this ISO date on"),
    until: z.string().optional(),
    collections: z.array(z.string()).optional(),
  })
  .optional();

/** An index as tools: search, retrieve, get and status. What goes wrong is said in the answer. */
export function createMcpServer(indexer: IDocumentIndexer): McpServer {
  const server = new McpServer({ name: "pipe-index", version: versions()["@pipe/trainer"]! });
  server.registerTool(
    "search",
    {
      description:
        "Find passages of the indexed markdown by words and by meaning; each with its path, line and a snippet.",
      inputSchema: {
        query: z.string().describe("What to look for"),
        limit: z.number().int().min(1).max(100).optional().describe("Hits at most; default 10"),
        mode: z.enum(["lexical", "vector", "hybrid"]).optional(),
        like: z.string().optional().describe("Id of a document: find what is like it"),
        filter,
      },
      annotations: { readOnlyHint: true },
    },
    ({ query, filter, ...options }) =>
      answer(async () => {
        const hits = await indexer.search(query, { ...definedOnly(options), ...filterOf(filter) });
        return hits.map(({ path, collection, line, heading, score, snippet, stale }) => {
          return { path, collection, line, heading, score, snippet, ...definedOnly({ stale }) };
        });
      }),
  );
  server.registerTool(
    "retrieve",
    {
      description:
        "Gather passages that answer a question, within a budget of tokens, each with its citation path#heading:line.",
      inputSchema: {
        query: z.string(),
        tokens: z.number().int().min(1).max(100_000).optional().describe("Size of the answer; default 1,000"),
        filter,
      },
      annotations: { readOnlyHint: true },
    },
    ({ query, tokens, filter }) =>
      answer(async () => (await indexer.retrieve(query, { ...definedOnly({ tokens }), ...filterOf(filter) })).text),
  );
  server.registerTool(
    "get",
    {
      description: "Read one whole document by its path.",
      inputSchema: { path: z.string(), collection: z.string().optional() },
      annotations: { readOnlyHint: true },
    },
    ({ path, collection }) =>
      answer(async () => {
        const document = await indexer.get(path, collection);
        if (document === undefined) throw new Error(`The index has no document ${JSON.stringify(path)}.`);
        return document.text;
      }),
  );
  server.registerTool("status", { description: "What the index holds.", annotations: { readOnlyHint: true } }, () =>
    answer(() => indexer.status()),
  );
  return server;
}

async function answer(body: () => Promise<unknown>): Promise<Answer> {
  try {
    const value = await body();
    return {
      content: [{ type: "text", text: typeof value === "string" ? value : JSON.stringify(value, undefined, 1) }],
    };
  } catch (error) {
    return { content: [{ type: "text", text: error instanceof Error ? error.message : String(error) }], isError: true };
  }
}

function filterOf(filter: object | undefined): { filter?: object } {
  return filter === undefined ? {} : { filter: definedOnly(filter) };
}
