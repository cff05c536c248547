import { join, relative } from "node:path";
import type { Experiment } from "@pipe/config";
import type { RunFolder } from "@pipe/persist";
import type { Host } from "./host.ts";
import { indexFolderInto } from "./index/index-folder-into.ts";
import { sampleFor } from "./index/sample-passages.ts";
import { noteEmbedder, noteSource, withIndex } from "./markdown-index.ts";
import { formatHits } from "./search-output.ts";

/** Notes beside the index of a run that its model makes the vectors, and where the documents come from. */
export async function noteIndex(run: string, folder: string | undefined): Promise<void> {
  const index = join(run, "index");
  if (folder !== undefined) await noteSource(index, "default", folder);
  await noteEmbedder(index, run);
}

/** Indexes the folder that an experiment names into its run, with its model, and shows one search. */
export async function indexAfterTraining(
  host: Host,
  { indexing }: Experiment,
  run: RunFolder,
  json: boolean,
): Promise<void> {
  const { folder, query, strategy } = indexing;
  if (folder === undefined) return;
  const sample = await sampleFor(run.index, folder, false);
  const options = { index: run.index, run: run.path, create: true, worker: true, strategy, sample };
  await withIndex(host, options, async (indexer) => {
    const report = await indexFolderInto(indexer, folder, {});
    for (const { id, message } of report.failures) host.stderr.write(`not indexed: ${id}: ${message}\n`);
    await noteIndex(run.path, folder);
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
