import type { IEmbedder } from "@pipe/core";
import { embedChecked } from "../embed-missing.ts";
import type { IndexManager, IndexWrite } from "../index-manager.ts";
import { eachTerm, queryTerms } from "../lexical/terms.ts";
import type { StoredChunk } from "../store/chunk-table.ts";
import { embeddedText, innerProduct } from "../store/vector-table.ts";
import { clozeDepth, type ClozeQuestion, instead } from "./cloze.ts";
import { type ClozeQuery, learnWeight } from "./learn-weight.ts";
import { withOthers } from "./other-scores.ts";
import type { VectorSearch } from "./vector-search.ts";

/** Passages out of which a sentence is asked, at most: fewer leave more to chance, more take time. */
const mostQuestions = 256;
/** Smaller corpora teach nothing. */
const fewestChunks = 200;
/** Up to so many passages the index ranks them all itself, and the vector store need not have them. */
const mostRanked = 20_000;
/** Questions that are embedded, and asked, together. */
const together = 16;

type Taken = { readonly passage: StoredChunk; readonly sentence: string; readonly rest: string };

/**
 * Learns how much meaning is worth in this corpus, once for each space; nothing where the embedder fails. It takes the time of embedding half of the passages or
 * 256 of them, whichever are fewer.
 */
export async function teachWeight(
  index: IndexManager,
  write: IndexWrite,
  vectors: VectorSearch,
  embedder: IEmbedder,
  signal: AbortSignal | undefined,
): Promise<void> {
  const { space } = embedder;
  const state = await write("spaceState", space);
  if (state.weight !== undefined || state.chunks < fewestChunks || state.vectors < state.chunks) return;
  const sample = await index.read("sample", Math.min(mostQuestions, state.chunks >> 1));
  const taken = (await index.read("chunks", sample)).flatMap(takenOut);
  const questions: ClozeQuestion[] = [];
  for (let begin = 0; begin < taken.length; begin += together) {
    const some = await questionsOf(embedder, taken.slice(begin, begin + together), signal).catch(() => undefined);
    signal?.throwIfAborted();
    // What is indexed is whole without: it is learnt with the next indexing.
    if (some === undefined) return;
    questions.push(...some);
  }
  if (state.vectors <= mostRanked) {
    await write("learn", space, await index.read("clozeWeight", space, questions));
    return;
  }
  const ask = async ({ right, terms, left, vector, rest }: ClozeQuestion): Promise<ClozeQuery> => {
    const [words, { ranked }, [own]] = await Promise.all([
      index.read("lexical", terms, clozeDepth, undefined),
      vectors.search({ space, vector, limit: clozeDepth }, state),
      index.read("lexicalScores", left, [right]),
    ]);
    const both = {
      words: instead(words, right, own!.score),
      meaning: instead(ranked, right, innerProduct(vector, rest)),
    };
    return { rankings: await withOthers(index, { terms, vector, spaces: [space] }, both), right };
  };
  const asked: ClozeQuery[] = [];
  for (let begin = 0; begin < questions.length; begin += together) {
    signal?.throwIfAborted();
    asked.push(...(await Promise.all(questions.slice(begin, begin + together).map(ask))));
  }
  await write("learn", space, learnWeight(asked));
}

/** A sentence from the middle of a passage of several, or nothing. */
function takenOut(passage: StoredChunk): Taken[] {
  const sentences = passage.text.split(/(?<=[.!?])\s+/).filter(({ length }) => length >= 30);
  if (sentences.length < 3) return [];
  const sentence = sentences[sentences.length >> 1]!;
  return [{ passage, sentence, rest: passage.text.replace(sentence, " ") }];
}

async function questionsOf(
  embedder: IEmbedder,
  taken: readonly Taken[],
  signal: AbortSignal | undefined,
): Promise<ClozeQuestion[]> {
  const texts = taken.flatMap(({ sentence, passage, rest }) => [
    sentence,
    embeddedText(passage.heading.join(" › "), rest),
  ]);
  const made = await embedChecked(embedder, texts, signal);
  return taken.map(({ passage, sentence, rest }, at) => {
    const [vector, without] = [made[2 * at]!, made[2 * at + 1]!];
    const terms = queryTerms(sentence);
    const others = new Set<string>();
    eachTerm(`${passage.heading.join(" ")} ${rest}`, (term) => void others.add(term));
    return { right: passage.chunk, terms, left: terms.filter((term) => others.has(term)), vector, rest: without };
  });
}
