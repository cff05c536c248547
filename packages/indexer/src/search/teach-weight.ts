import type { IEmbedder, ScoredKey } from "@pipe/core";
import { embedChecked } from "../embed-missing.ts";
import type { IndexManager } from "../index-manager.ts";
import { queryTerms } from "../lexical/terms.ts";
import { embeddedText } from "../store/vector-table.ts";
import { type ClozeQuery, learnWeight } from "./learn-weight.ts";
import type { VectorSearch } from "./vector-search.ts";

/** Passages out of which a sentence is asked. */
const questions = 128;
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
  const state = await write("spaceState", space);
  if (state.weight !== undefined || state.chunks < fewestChunks || state.vectors < state.chunks) return;
  const sample = await index.read("chunks", await index.read("sample", questions));
  const asked: ClozeQuery[] = [];
  for (const { chunk, heading, text } of sample) {
    signal?.throwIfAborted();
    const sentence = sentenceOf(text);
    if (sentence === undefined) continue;
    const terms = queryTerms(sentence);
    const rest = text.replace(sentence, " ");
    const [query, own] = await embedChecked(embedder, [sentence, embeddedText(heading.join(" › "), rest)], signal);
    const [lexical, { ranked }, [scores]] = await Promise.all([
      index.read("lexical", terms, depth, undefined),
      vectors.search({ space, vector: query!, limit: depth }, state),
      index.read("lexicalScores", terms, [chunk]),
    ]);
    // The passage as it would be found without the sentence.
    const left = new Set(queryTerms(`${heading.join(" ")} ${rest}`));
    const words = Object.entries(scores!.words).reduce((sum, [term, score]) => sum + (left.has(term) ? score : 0), 0);
    const meaning = query!.reduce((sum, value, at) => sum + value * own![at]!, 0);
    const instead = (ranking: readonly ScoredKey[], score: number): ScoredKey[] => [
      ...ranking.filter(({ key }) => key !== chunk),
      { key: chunk, score },
    ];
    asked.push({ lexical: instead(lexical, words), vector: instead(ranked, meaning), right: chunk });
  }
  await write("learn", space, learnWeight(asked));
}

/** A sentence from the middle of a text of several, or nothing. */
function sentenceOf(text: string): string | undefined {
  const sentences = text.split(/(?<=[.!?])\s+/).filter(({ length }) => length >= 30);
  return sentences.length < 3 ? undefined : sentences[sentences.length >> 1];
}
