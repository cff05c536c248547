import { StdioServerTransport } from "@modelcontextprotocol/sdk/server/stdio.js";
import type { Host } from "../host.ts";
import { indexFolderOf, usableEmbedder, withIndex } from "../markdown-index.ts";
import { rerankerAt } from "../model-folder.ts";
import { parseCommand, usageError } from "../usage.ts";
import { createMcpServer } from "./mcp-server.ts";

/** `pipe index serve --mcp`: offers an index to programs that speak the Model Context Protocol, over stdin and stdout. */
export async function serveIndex(args: readonly string[], host: Host): Promise<number> {
  const flags = { index: { type: "string" }, mcp: { type: "boolean" }, rerank: { type: "string" } } as const;
  const { values } = parseCommand(args, flags, 0);
  if (values.mcp !== true) throw usageError("An index is served with --mcp.");
  const index = indexFolderOf(host.cwd, values.index);
  const run = await usableEmbedder(index, host, "searching");
  const reranker = await rerankerAt(host, values.rerank);
  return withIndex(host, { index, run, create: false, worker: true, reranker }, async (indexer) => {
    const server = createMcpServer(indexer);
    const ended = new Promise<void>((resolve) => {
      // oxlint-disable-next-line unicorn/prefer-add-event-listener -- the server has this field only
      server.server.onclose = resolve;
      process.stdin.once("end", resolve);
      host.onInterrupt(resolve);
    });
    await server.connect(new StdioServerTransport());
    await ended;
    await server.close();
    return 0;
  });
}
