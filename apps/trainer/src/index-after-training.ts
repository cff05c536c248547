import { relative } from "node:path";
import type { Experiment } from "@pipe/config";
import { MarkdownDataSource } from "@pipe/data";
import type { RunFolder } from "@pipe/persist";
import type { Host } from "./host.ts";
import { noteEmbedder, withIndex } from "./markdown-index.ts";
import { formatHits } from "./search-output.ts";

/** Indexes the folder that an experiment names into its run, with its model, and shows one search. */
export async function indexAfterTraining(
  host: Host,
  { indexing }: Experiment,
  run: RunFolder,
  json: boolean,
): Promise<void> {
  const { folder, query } = indexing;
  if (folder === undefined) return;
  await withIndex(host, { index: run.index, run: run.path, create: true }, async (indexer) => {
    const report = await indexer.index(new MarkdownDataSource({ path: folder }).documents());
    await noteEmbedder(run.index, run.path);
    const hits = query === undefined ? [] : await indexer.search(query, { limit: 3 });
    if (json) {
      host.stdout.write(
        `${JSON.stringify({ event: "index-updated", documents: report.documents, chunks: report.chunks })}\n`,
      );
      for (const hit of hits) host.stdout.write(`${JSON.stringify({ event: "search-hit", ...hit })}\n`);
      return;
    }
    const shown = relative(host.cwd, folder) || ".";
    host.stdout.write(`\nindexed ${report.documents} documents of ${shown} with this model\n`);
    if (query !== undefined) host.stdout.write(`search: ${query}\n${formatHits(hits)}`);
  });
}
