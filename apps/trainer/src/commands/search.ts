import { definedOnly, type Json, PipeError, type SearchFilter } from "@pipe/core";
import { type Host, takesColors } from "../host.ts";
import { indexFolderOf, notedEmbedder, usableEmbedder, withIndex } from "../markdown-index.ts";
import { rerankerAt } from "../model-folder.ts";
import { formatHits } from "../search-output.ts";
import { engineFlag, parseCommand, required, usageError, wholeFlag } from "../usage.ts";

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
      like: { type: "string" },
      rerank: { type: "string" },
      explain: { type: "boolean" },
      path: { type: "string" },
      field: { type: "string", multiple: true },
      heading: { type: "string" },
      language: { type: "string" },
      since: { type: "string" },
      until: { type: "string" },
      collection: { type: "string", multiple: true },
    },
    Infinity,
  );
  const { like, explain, path, heading, language, since, until, collection: collections } = values;
  const words = positionals.join(" ");
  const query = like === undefined ? required("The query", words) : words;
  const mode = MODES.find((each) => each === values.mode);
  if (values.mode !== undefined && mode === undefined)
    throw usageError(`--mode is one of ${MODES.join(", ")}, and got ${JSON.stringify(values.mode)}.`);
  const limit = wholeFlag("limit", values.limit, 1);
  const fields = values.field === undefined ? undefined : Object.fromEntries(values.field.map(fieldOf));
  const filter: SearchFilter = definedOnly({ path, fields, heading, language, since, until, collections });
  const index = indexFolderOf(host.cwd, values.index);
  // Words need no model, so none is loaded for them.
  const run =
    mode === "lexical"
      ? undefined
      : mode === undefined
        ? await usableEmbedder(index, host, "searching")
        : await notedEmbedder(index);
  if (run === undefined && (mode === "vector" || mode === "hybrid")) {
    const fix = "give it vectors: pipe index <folder> --run <run>; or search by words, without --mode";
    throw new PipeError("embedder-missing", `Nothing makes vectors for this index, which --mode ${mode} needs.`, {
      where: index,
      fix,
    });
  }
  const engine = engineFlag(values.engine);
  const reranker = await rerankerAt(host, values.rerank);
  return withIndex(host, { index, run, create: false, engine, reranker }, async (indexer) => {
    const known = collections === undefined ? [] : (await indexer.status()).collections.map(({ name }) => name);
    const unknown = collections?.find((name) => !known.includes(name));
    if (unknown !== undefined)
      throw usageError(`The index has no collection ${JSON.stringify(unknown)}: ${known.join(", ")}.`);
    const options = { limit, ...definedOnly({ mode, like, explain }) };
    const hits = await indexer.search(query, Object.keys(filter).length === 0 ? options : { ...options, filter });
    if (values.json === true) for (const hit of hits) host.stdout.write(`${JSON.stringify(hit)}\n`);
    else host.stdout.write(formatHits(hits, { color: takesColors(host, host.stdout) }));
    return 0;
  });
}

/** `--field draft=false`: a JSON value where it is one, else text. */
function fieldOf(text: string): [string, Json] {
  const at = text.indexOf("=");
  if (at < 1) throw usageError(`--field is written as name=value, and got ${text}.`);
  const value = text.slice(at + 1);
  try {
    return [text.slice(0, at), JSON.parse(value) as Json];
  } catch {
    return [text.slice(0, at), value];
  }
}
