import type { IEmbedder } from "@pipe/core";
import { embedChecked } from "../embed-missing.ts";
import type { IndexManager } from "../index-manager.ts";
import { queryTerms } from "../lexical/terms.ts";
import { type HeadingQuery, learnWeight } from "./learn-weight.ts";
import type { VectorSearch } from "./vector-search.ts";

/** Headings that are asked. */
const questions = 64;
/** Smaller corpora teach nothing. */
const fewestChunks = 200;
const depth = 100;

type Write = Parameters<Parameters<IndexManager["writing"]>[1]>[0];

/** Learns how much meaning is worth in this corpus, once for each space. */
export async function teachWeight(
  index: IndexManager,
  write: Write,
  vectors: VectorSearch,
  embedder: IEmbedder,
  signal: AbortSignal | undefined,
): Promise<void> {
  const { space } = embedder;
  const state = await index.read("spaceState", space);
  if (state.weight !== undefined || state.chunks < fewestChunks || state.vectors < state.chunks) return;
  const sample = await index.read("sample", questions);
  const asked: HeadingQuery[] = [];
  for (const { chunk, document, heading } of sample) {
    signal?.throwIfAborted();
    const query = heading.at(-1)!;
    const terms = queryTerms(query);
    if (terms.length === 0) continue;
    const [vector] = await embedChecked(embedder, [query], signal);
    const [lexical, { ranked }] = await Promise.all([
      index.read("lexical", terms, depth, undefined),
      vectors.search({ space, vector: vector!, limit: depth }, state),
    ]);
    const keys = [...new Set([...lexical, ...ranked].map(({ key }) => key))];
    const documents = await index.read("documentsOf", keys);
    const right = new Set(keys.filter((key, at) => documents[at] === document && key !== chunk));
    asked.push({ lexical, vector: ranked, own: chunk, right });
  }
  await write("learn", space, learnWeight(asked));
}
