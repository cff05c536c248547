import { resolve } from "node:path";
import type { Host } from "../host.ts";
import { defaultIndex, notedEmbedder, withIndex } from "../markdown-index.ts";
import { formatHits } from "../search-output.ts";
import { numberFlag, parseCommand, required, usageError } from "../usage.ts";

const MODES = ["lexical", "vector", "hybrid"] as const;

/** `pipe search <query>`: searches an index by words, by meaning, or both. */
export async function search(args: readonly string[], host: Host): Promise<number> {
  const { values, positionals } = parseCommand(
    args,
    { index: { type: "string" }, mode: { type: "string" }, limit: { type: "string", default: "5" } },
    1,
  );
  const query = required("The query", positionals[0]);
  const mode = MODES.find((each) => each === values.mode);
  if (values.mode !== undefined && mode === undefined) throw usageError(`--mode is one of ${MODES.join(", ")}.`);
  const index = values.index === undefined ? defaultIndex(host.cwd) : resolve(host.cwd, values.index);
  // Words need no model, so none is loaded for them.
  const run = mode === "lexical" ? undefined : await notedEmbedder(index);
  return withIndex({ index, run, create: false }, async (indexer) => {
    const limit = numberFlag("limit", values.limit)!;
    const hits = await indexer.search(query, { limit, ...(mode === undefined ? {} : { mode }) });
    if (values.json === true) for (const hit of hits) host.stdout.write(`${JSON.stringify(hit)}\n`);
    else host.stdout.write(formatHits(hits));
    return 0;
  });
}
