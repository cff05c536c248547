import { type BothRankings, scaleBoth } from "./fusion.ts";

/** What is asked of the corpus: a sentence, and which passage it was taken out of. */
export type ClozeQuery = {
  /** Both rankings as they are without the sentence in its passage. */
  readonly rankings: BothRankings;
  readonly right: number;
};

/** The share of meaning where a corpus is too small to teach one: less than a strong embedder deserves, more than a weak one. */
export const untaughtWeight = 0.6;

/** Shares that are tried, a step apart, to near the 0.8 that Bruch et al. 2023 found best on many sets with this scale. */
const steps = 42;
const step = 0.02;
/** The share of what words alone find that may be lost. */
const mostLost = 0.01;
const depth = 10;
/** Fewer questions teach nothing. */
const fewest = 20;

/**
 * The share of meaning, by asking sentences for the passages that they were taken out of (the inverse cloze task of Lee et al.
 * 2019): from the share that finds most upwards, as long as hardly less is found than by words alone. Nobody needs to judge
 * results for that.
 *
 * Upwards, as the task favours words: a sentence shares more of them with its passage than a question with its answer. With an
 * embedder that alone finds less than half of what words find, nothing may be lost and the share is bounded by what it
 * finds: it has little to give, and chance among some hundred questions could do harm.
 */
export function learnWeight(queries: readonly ClozeQuery[]): number {
  if (queries.length < fewest) return untaughtWeight;
  const all = queries.map((query) => gains(query));
  const qualityAt = (weight: number): number => all.reduce((sum, each) => sum + each(weight), 0);
  const [words, meaning] = [qualityAt(0), qualityAt(1)];
  const isWeak = 2 * meaning < words;
  const greatest = isWeak ? Math.floor((steps * 2 * meaning) / words) : steps;
  const enough = isWeak ? words : (1 - mostLost) * words;
  const quality = Array.from({ length: greatest + 1 }, (_, at) => qualityAt(at * step));
  let at = quality.indexOf(Math.max(...quality));
  while (at < greatest && quality[at + 1]! >= enough) at++;
  return Math.round(100 * at * step) / 100;
}

/** What the passage's rank is worth among the first ten at a share of meaning: 1 for the first, 0 where it is not there. */
function gains({ rankings, right }: ClozeQuery): (weight: number) => number {
  const all = scaleBoth(rankings);
  const own = all.find(({ key }) => key === right)!;
  return (weight) => {
    const score = (1 - weight) * own.words + weight * own.meaning;
    let rank = 0;
    for (const { key, words, meaning } of all) {
      const other = (1 - weight) * words + weight * meaning;
      if (other > score || (other === score && key < right)) rank++;
    }
    return rank < depth ? 1 / Math.log2(rank + 2) : 0;
  };
}
