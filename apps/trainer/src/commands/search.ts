import { existsSync } from "node:fs";
import { join, resolve } from "node:path";
import { PipeError } from "@pipe/core";
import { resolveCheckpoint } from "@pipe/pipeline";
import type { Host } from "../host.ts";
import { defaultIndex, notedEmbedder, withIndex } from "../markdown-index.ts";
import { formatHits } from "../search-output.ts";
import { parseCommand, required, usageError, wholeFlag } from "../usage.ts";

const MODES = ["lexical", "vector", "hybrid"] as const;

/** `pipe search <query>`: searches an index by words, by meaning, or both. */
export async function search(args: readonly string[], host: Host): Promise<number> {
  const { values, positionals } = parseCommand(
    args,
    {
      index: { type: "string" },
      mode: { type: "string" },
      limit: { type: "string", default: "5" },
      engine: { type: "string" },
    },
    1,
  );
  const query = required("The query", positionals[0]);
  const mode = MODES.find((each) => each === values.mode);
  if (values.mode !== undefined && mode === undefined) throw usageError(`--mode is one of ${MODES.join(", ")}.`);
  const index = values.index === undefined ? defaultIndex(host.cwd) : resolve(host.cwd, values.index);
  // Words need no model, so none is loaded for them.
  const noted = mode === "lexical" ? undefined : await notedEmbedder(index);
  const run = mode === undefined && noted !== undefined ? await usable(noted, host) : noted;
  return withIndex(host, { index, run, create: false, engine: values.engine }, async (indexer) => {
    const limit = wholeFlag("limit", values.limit, 1);
    const hits = await indexer.search(query, { limit, ...(mode === undefined ? {} : { mode }) });
    if (values.json === true) for (const hit of hits) host.stdout.write(`${JSON.stringify(hit)}\n`);
    else host.stdout.write(formatHits(hits));
    return 0;
  });
}

/** The run of an index's vectors, or none with a warning where its model is gone: words can be searched all the same. */
async function usable(run: string, host: Host): Promise<string | undefined> {
  try {
    const { location } = await resolveCheckpoint(run);
    if (existsSync(join(location, "config.json"))) return run;
  } catch (error) {
    if (!PipeError.is(error)) throw error;
  }
  host.stderr.write(`warning: searching by words only, the model of this index is gone: ${run}\n`);
  return undefined;
}
