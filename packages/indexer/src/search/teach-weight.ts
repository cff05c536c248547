import type { IEmbedder, ScoredKey } from "@pipe/core";
import { embedChecked } from "../embed-missing.ts";
import type { IndexManager } from "../index-manager.ts";
import { eachTerm, queryTerms } from "../lexical/terms.ts";
import type { StoredChunk } from "../store/chunk-table.ts";
import { embeddedText } from "../store/vector-table.ts";
import { type ClozeQuery, learnWeight } from "./learn-weight.ts";
import { withOthers } from "./other-scores.ts";
import type { VectorSearch } from "./vector-search.ts";

/** Passages out of which a sentence is asked, at most: fewer leave more to chance, more take time. */
const mostQuestions = 256;
/** Smaller corpora teach nothing. */
const fewestChunks = 200;
const depth = 100;
/** Questions whose two texts are embedded together. */
const together = 16;

type Write = Parameters<Parameters<IndexManager["writing"]>[1]>[0];
type Question = { readonly passage: StoredChunk; readonly sentence: string; readonly rest: string };

/**
 * Learns how much meaning is worth in this corpus, once for each space. It takes the time of embedding half of the passages or
 * 256 of them, whichever are fewer.
 */
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
  const sample = await index.read("sample", Math.min(mostQuestions, state.chunks >> 1));
  const questions = (await index.read("chunks", sample)).flatMap(questionOf);
  const asked: ClozeQuery[] = [];
  for (let begin = 0; begin < questions.length; begin += together) {
    signal?.throwIfAborted();
    const some = questions.slice(begin, begin + together);
    const texts = some.flatMap(({ sentence, passage, rest }) => [sentence, embeddedText(contextOf(passage), rest)]);
    const made = await embedChecked(embedder, texts, signal);
    for (const [at, question] of some.entries()) {
      const [vector, own] = [made[2 * at]!, made[2 * at + 1]!];
      const terms = queryTerms(question.sentence);
      const { chunk } = question.passage;
      const [words, { ranked }, ownWords] = await Promise.all([
        index.read("lexical", terms, depth, undefined),
        vectors.search({ space, vector, limit: depth }, state),
        wordsWithout(index, terms, question),
      ]);
      const rankings = await withOthers(
        index,
        { terms, vector, spaces: [space] },
        { words: instead(words, chunk, ownWords), meaning: instead(ranked, chunk, product(vector, own)) },
      );
      asked.push({ rankings, right: chunk });
    }
  }
  await write("learn", space, learnWeight(asked));
}

/** A sentence from the middle of a passage of several, or nothing. */
function questionOf(passage: StoredChunk): Question[] {
  const sentences = passage.text.split(/(?<=[.!?])\s+/).filter(({ length }) => length >= 30);
  if (sentences.length < 3) return [];
  const sentence = sentences[sentences.length >> 1]!;
  return [{ passage, sentence, rest: passage.text.replace(sentence, " ") }];
}

function contextOf({ heading }: StoredChunk): string {
  return heading.join(" › ");
}

/** A ranking with another score of a passage. */
function instead(ranking: readonly ScoredKey[], key: number, score: number): ScoredKey[] {
  return [...ranking.filter((each) => each.key !== key), { key, score }];
}

/** What the passage's words are worth without the sentence. */
async function wordsWithout(index: IndexManager, terms: readonly string[], question: Question): Promise<number> {
  const { passage, rest } = question;
  const [scores] = await index.read("lexicalScores", terms, [passage.chunk]);
  const left = new Set<string>();
  eachTerm(`${passage.heading.join(" ")} ${rest}`, (term) => void left.add(term));
  return Object.entries(scores!.words).reduce((sum, [term, score]) => sum + (left.has(term) ? score : 0), 0);
}

function product(a: Float32Array, b: Float32Array): number {
  return a.reduce((sum, value, at) => sum + value * b[at]!, 0);
}
