import type { ScoredKey, VectorSpace } from "@pipe/core";
import type { LexicalReader } from "../lexical/lexical-reader.ts";
import type { IndexDatabase } from "../store/index-database.ts";
import { changesOf, innerProduct } from "../store/vector-table.ts";
import { FlatSpace } from "../vectors/flat-space.ts";
import type { BothRankings } from "./fusion.ts";
import type { ClozeQuery } from "./learn-weight.ts";
import { loners } from "./other-scores.ts";
import { byScore } from "./top-keys.ts";

/** A sentence, and the passage that it was taken out of. */
export type ClozeQuestion = {
  readonly right: number;
  readonly terms: readonly string[];
  /** Those of its terms that the passage has without it, too. */
  readonly left: readonly string[];
  readonly vector: Float32Array;
  /** The inner product of its vector with that of the passage without it. */
  readonly own: number;
};

/** Passages that each side ranks. */
export const clozeDepth = 100;

/**
 * Answers of all passages of a space, which are read once for all questions. Scores are those of `exactScores`: those of equal
 * vectors are equal, also to `own`. @throws PipeError `index-damaged`.
 */
export function clozeQueries(
  database: IndexDatabase,
  words: LexicalReader,
  space: VectorSpace,
  questions: readonly ClozeQuestion[],
): ClozeQuery[] {
  const { rows } = changesOf(database, space, { sequence: 0, key: 0 }, 0, Number.MAX_SAFE_INTEGER);
  // Vectors of zeros are never found.
  const told = rows.filter(({ vector }) => vector.some((value) => value !== 0));
  const vectors = new Map(told.map(({ key, vector }) => [key, vector]));
  const all = new FlatSpace(space.dimensions);
  all.put(told);
  return questions.map((question) => {
    const { right, terms, left, vector } = question;
    const scored = (keys: readonly number[]): ScoredKey[] =>
      keys.flatMap((key) => (vectors.has(key) ? [{ key, score: innerProduct(vectors.get(key)!, vector) }] : []));
    const meaning = scored(all.search(vector, clozeDepth).map(({ key }) => key)).sort(byScore);
    const [own] = words.scoresOf(left, [right]);
    const both = withoutSentence(question, { words: words.search(terms, clozeDepth), meaning }, own!.score);
    const { onlyMeant, onlySaid } = loners(both);
    const others = { words: words.scoresOf(terms, onlyMeant), meaning: scored(onlySaid) };
    return { rankings: { ...both, others }, right };
  });
}

/** Rankings as they were if the passage did not have the sentence. @param ownWords what its words are worth then. */
export function withoutSentence(
  { right, own }: ClozeQuestion,
  { words, meaning }: BothRankings,
  ownWords: number,
): BothRankings {
  return { words: instead(words, right, ownWords), meaning: instead(meaning, right, own) };
}

/** A ranking with another score of a passage. */
function instead(ranking: readonly ScoredKey[], key: number, score: number): ScoredKey[] {
  return [...ranking.filter((each) => each.key !== key), { key, score }];
}
