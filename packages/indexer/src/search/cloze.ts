import type { ScoredKey, VectorSpace } from "@pipe/core";
import type { LexicalReader } from "../lexical/lexical-reader.ts";
import type { IndexDatabase } from "../store/index-database.ts";
import { changesOf } from "../store/vector-table.ts";
import { FlatSpace } from "../vectors/flat-space.ts";
import type { ClozeQuery } from "./learn-weight.ts";
import { loners } from "./other-scores.ts";
import type { AllScores } from "./top-keys.ts";

/** A sentence, and the passage that it was taken out of. */
export type ClozeQuestion = {
  readonly right: number;
  readonly terms: readonly string[];
  /** Those of its terms that the passage has without it, too. */
  readonly left: readonly string[];
  readonly vector: Float32Array;
  /** The vector of the passage without it. */
  readonly rest: Float32Array;
};

/** Passages that each side ranks. */
export const clozeDepth = 100;

/** Answers of all passages of a space, which are read once for all questions. @throws PipeError `index-damaged`. */
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
  return questions.map(({ right, terms, left, vector, rest }) => {
    const without = words.scoresOf(left, [right])[0]!.score;
    const said = words.score(terms);
    // While it is asked for, the passage is what it is without the sentence.
    all.put([{ key: right, vector: rest }]);
    const meant = all.score(vector);
    const both = {
      words: instead(said.best(clozeDepth), right, without),
      meaning: instead(meant.best(clozeDepth), right, meant.of(right)!),
    };
    const { onlyMeant, onlySaid } = loners(both);
    const others = { words: scored(onlyMeant, said), meaning: scored(onlySaid, meant) };
    const whole = vectors.get(right);
    if (whole === undefined) all.remove([right]);
    else all.put([{ key: right, vector: whole }]);
    return { rankings: { ...both, others }, right };
  });
}

/** A ranking with another score of a passage. */
export function instead(ranking: readonly ScoredKey[], key: number, score: number): ScoredKey[] {
  return [...ranking.filter((each) => each.key !== key), { key, score }];
}

/** What passages score; those that are not there are left out. */
function scored(keys: readonly number[], scores: AllScores): ScoredKey[] {
  return keys.flatMap((key) => {
    const score = scores.of(key);
    return score === undefined ? [] : [{ key, score }];
  });
}
