import { join } from "node:path";
import { PipeError } from "@pipe/core";
import type { DashboardSearch } from "@pipe/monitor";
import type { Host } from "./host.ts";
import { notedEmbedder, withIndex } from "./markdown-index.ts";

/**
 * Searches the indexes of the runs in a folder, one search at a time: by words without a model, by meaning too with the
 * model that made the index, which is loaded for it.
 */
export function createRunSearch(host: Pick<Host, "env">, runsDir: string): DashboardSearch {
  let turn: Promise<unknown> = Promise.resolve();
  return (name, { text, limit, mode }, signal) => {
    const found = turn.then(async () => {
      signal.throwIfAborted();
      const index = join(runsDir, name, "index");
      const run = mode === "lexical" ? undefined : await embedderOf(index);
      return withIndex(host, { index, run, create: false }, (indexer) => indexer.search(text, { limit, mode, signal }));
    });
    turn = found.catch(() => undefined);
    return found;
  };
}

async function embedderOf(index: string): Promise<string> {
  const run = await notedEmbedder(index);
  if (run !== undefined) return run;
  throw new PipeError("index-without-meaning", "This index knows words only.", {
    where: index,
    fix: "pipe index <folder> --index <index> --run <run>",
  });
}
