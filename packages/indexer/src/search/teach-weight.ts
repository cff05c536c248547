import type { IEmbedder, ScoredKey } from "@pipe/core";
import { embedChecked } from "../embed-missing.ts";
import type { IndexManager } from "../index-manager.ts";
import { queryTerms } from "../lexical/terms.ts";
import { embeddedText } from "../store/vector-table.ts";
import { learnWeight } from "./learn-weight.ts";
import type { VectorSearch } from "./vector-search.ts";

/** Passages out of which a sentence is asked. */
const questions = 128;
/** Smaller corpora teach nothing. */
const fewestChunks = 200;
/** Up to so many passages the index ranks them itself, and the vector store need not have them. */
const mostRanked = 20_000;
const depth = 100;
const embeddedAtOnce = 16;

type Write = Parameters<Parameters<IndexManager["writing"]>[1]>[0];

/** A sentence that is asked for, and the passage that it was taken out of. */
type Question = {
  readonly chunk: number;
  readonly heading: readonly string[];
  readonly sentence: string;
  readonly rest: string;
};

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
  const asked = sample.flatMap(({ chunk, heading, text }): Question[] => {
    const sentence = sentenceOf(text);
    return sentence === undefined ? [] : [{ chunk, heading, sentence, rest: text.replace(sentence, " ") }];
  });
  const pairs: (readonly [query: Float32Array, own: Float32Array])[] = [];
  for (let at = 0; at < asked.length; at += embeddedAtOnce) {
    const texts = asked
      .slice(at, at + embeddedAtOnce)
      .flatMap(({ sentence, heading, rest }) => [sentence, embeddedText(heading.join(" › "), rest)]);
    const embedded = await embedChecked(embedder, texts, signal);
    for (let i = 0; i < embedded.length; i += 2) pairs.push([embedded[i]!, embedded[i + 1]!]);
  }
  const queries = pairs.map(([query]) => query);
  const ranked =
    state.vectors <= mostRanked
      ? await index.read("nearest", space, queries, depth)
      : await inTurn(queries, async (vector) => (await vectors.search({ space, vector, limit: depth }, state)).ranked);
  const results = await inTurn([...asked.entries()], async ([at, { chunk, heading, sentence, rest }]) => {
    signal?.throwIfAborted();
    const terms = queryTerms(sentence);
    const [lexical, [scores]] = await Promise.all([
      index.read("lexical", terms, depth, undefined),
      index.read("lexicalScores", terms, [chunk]),
    ]);
    // The passage as it would be found without the sentence.
    const left = new Set(queryTerms(`${heading.join(" ")} ${rest}`));
    const words = Object.entries(scores!.words).reduce((sum, [term, score]) => sum + (left.has(term) ? score : 0), 0);
    const [query, own] = pairs[at]!;
    const meaning = query.reduce((sum, value, i) => sum + value * own[i]!, 0);
    const instead = (ranking: readonly ScoredKey[], score: number): ScoredKey[] => [
      ...ranking.filter(({ key }) => key !== chunk),
      { key: chunk, score },
    ];
    return { lexical: instead(lexical, words), vector: instead(ranked[at]!, meaning), right: chunk };
  });
  await write("learn", space, learnWeight(results));
}

async function inTurn<A, B>(all: readonly A[], body: (each: A) => Promise<B>): Promise<B[]> {
  const results: B[] = [];
  for (const each of all) results.push(await body(each));
  return results;
}

/** A sentence from the middle of a text of several, or nothing. */
function sentenceOf(text: string): string | undefined {
  const sentences = text.split(/(?<=[.!?])\s+/).filter(({ length }) => length >= 30);
  return sentences.length < 3 ? undefined : sentences[sentences.length >> 1];
}
