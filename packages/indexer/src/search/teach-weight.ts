import type { IEmbedder, ScoredKey } from "@pipe/core";
import { embedChecked } from "../embed-missing.ts";
import type { IndexManager } from "../index-manager.ts";
import { eachTerm, queryTerms } from "../lexical/terms.ts";
import type { StoredChunk } from "../store/chunk-table.ts";
import { embeddedText, innerProduct } from "../store/vector-table.ts";
import { type ClozeQuery, learnWeight } from "./learn-weight.ts";
import { withOthers } from "./other-scores.ts";
import type { VectorSearch } from "./vector-search.ts";

/** Passages out of which a sentence is asked, at most: fewer leave more to chance, more take time. */
const mostQuestions = 256;
/** Smaller corpora teach nothing. */
const fewestChunks = 200;
/** Up to so many passages the index ranks them itself, and the vector store need not have them. */
const mostRanked = 20_000;
const depth = 100;
/** Questions that are embedded, and asked, together. */
const together = 16;

type Write = Parameters<Parameters<IndexManager["writing"]>[1]>[0];
type Question = { readonly passage: StoredChunk; readonly sentence: string; readonly rest: string };
/** Vectors of a question's sentence and of what is left of its passage. */
type Embedded = { readonly vector: Float32Array; readonly own: Float32Array };

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
  const embedded = await embedAll(embedder, questions, signal);
  const queries = embedded.map(({ vector }) => vector);
  const nearest = state.vectors <= mostRanked ? await index.read("nearest", space, queries, depth) : undefined;
  const ask = async (question: Question, at: number): Promise<ClozeQuery> => {
    const { vector, own } = embedded[at]!;
    const terms = queryTerms(question.sentence);
    const { chunk } = question.passage;
    const [words, ranked, ownWords] = await Promise.all([
      index.read("lexical", terms, depth, undefined),
      nearest?.[at] ?? vectors.search({ space, vector, limit: depth }, state).then((result) => result.ranked),
      wordsWithout(index, terms, question),
    ]);
    const rankings = await withOthers(
      index,
      { terms, vector, spaces: [space] },
      { words: instead(words, chunk, ownWords), meaning: instead(ranked, chunk, innerProduct(vector, own)) },
    );
    return { rankings, right: chunk };
  };
  const asked: ClozeQuery[] = [];
  for (let begin = 0; begin < questions.length; begin += together) {
    signal?.throwIfAborted();
    const some = questions.slice(begin, begin + together);
    asked.push(...(await Promise.all(some.map((question, at) => ask(question, begin + at)))));
  }
  await write("learn", space, learnWeight(asked));
}

async function embedAll(
  embedder: IEmbedder,
  questions: readonly Question[],
  signal: AbortSignal | undefined,
): Promise<Embedded[]> {
  const embedded: Embedded[] = [];
  for (let begin = 0; begin < questions.length; begin += together) {
    const texts = questions
      .slice(begin, begin + together)
      .flatMap(({ sentence, passage, rest }) => [sentence, embeddedText(contextOf(passage), rest)]);
    const made = await embedChecked(embedder, texts, signal);
    for (let at = 0; at < made.length; at += 2) embedded.push({ vector: made[at]!, own: made[at + 1]! });
  }
  return embedded;
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
