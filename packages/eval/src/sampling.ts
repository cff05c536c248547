import { PipeError, type Random } from "@pipe/core";

/** How a token is chosen from logits. */
export type SamplingOptions = {
  /** Divides the logits; 0 takes the largest. Default 1. */
  readonly temperature?: number;
  /** Only the k most likely tokens; default all. */
  readonly topK?: number;
  /** Only the smallest set of tokens whose probability reaches p (Holtzman et al., 2020); default 1. */
  readonly topP?: number;
  /** Only tokens at least this many times as likely as the likeliest (Nguyen et al., 2024); default 0. */
  readonly minP?: number;
  /** Divides positive and multiplies negative logits of tokens that came before (Keskar et al., 2019); default 1. */
  readonly repetitionPenalty?: number;
};

/** @throws PipeError `sampling-invalid`. */
export function checkSampling(options: SamplingOptions): void {
  const { temperature = 1, topK = 1, topP = 1, minP = 0, repetitionPenalty = 1 } = options;
  const valid =
    temperature >= 0 && temperature < Infinity && Number.isInteger(topK) && topK >= 1 && topP > 0 && topP <= 1;
  const others = minP >= 0 && minP <= 1 && repetitionPenalty > 0 && repetitionPenalty < Infinity;
  if (valid && others) return;
  throw new PipeError("sampling-invalid", "The sampling settings are out of range.", {
    expected: "temperature ≥ 0, topK a positive integer, 0 < topP ≤ 1, 0 ≤ minP ≤ 1, repetitionPenalty > 0",
    got: JSON.stringify({ temperature, topK, topP, minP, repetitionPenalty }),
  });
}

/**
 * Chooses a token id; a logit of -∞ is never chosen, and of equal logits the lower id comes first. `before` are the ids
 * that the repetition penalty is for.
 * @throws PipeError `sampling-invalid`; `logits-not-finite` for NaN, +∞, or -∞ alone.
 */
export function sampleToken(
  logits: ArrayLike<number>,
  options: SamplingOptions,
  random: Random,
  before: Iterable<number> = [],
): number {
  checkSampling(options);
  const { temperature = 1, topK, topP = 1, minP = 0, repetitionPenalty = 1 } = options;
  const scores = repetitionPenalty === 1 ? logits : penalised(logits, before, repetitionPenalty);
  const likeliest = greatest(scores);
  if (temperature === 0) return likeliest;
  const weights = new Float32Array(scores.length);
  for (let id = 0; id < weights.length; id++) weights[id] = Math.exp((scores[id]! - scores[likeliest]!) / temperature);
  // The likeliest token has weight 1.
  const least = Math.max(minP, topK === undefined && topP === 1 ? 0 : leastKept(weights, topK ?? weights.length, topP));
  return draw(weights, least, topK ?? weights.length, random);
}

/** The weight of the last token that top-k and top-p keep. */
function leastKept(weights: Float32Array, topK: number, topP: number): number {
  // Sorting numbers is ten times faster than sorting ids by them.
  const sorted = weights.slice().sort();
  const kept = Math.min(topK, sorted.length);
  let total = 0;
  for (let i = 1; i <= kept; i++) total += sorted[sorted.length - i]!;
  let nucleus = 0;
  let count = 0;
  while (count < kept && nucleus < topP * total) nucleus += sorted[sorted.length - ++count]!;
  return sorted[sorted.length - count]!;
}

/** Draws among tokens of at least this weight, at most so many of them. */
function draw(weights: Float32Array, least: number, most: number, random: Random): number {
  const above = weights.reduce((count, weight) => count + (weight > least ? 1 : 0), 0);
  // Of those that are equal to the last one kept, the lower ids come first.
  let equal = most - above;
  let total = 0;
  const kept: number[] = [];
  for (let id = 0; id < weights.length; id++) {
    const weight = weights[id]!;
    if (weight < least || weight === 0 || (weight === least && equal-- <= 0)) continue;
    kept.push(id);
    total += weight;
  }
  let rest = random.uniform() * total;
  for (const id of kept) {
    rest -= weights[id]!;
    if (rest < 0) return id;
  }
  return kept.at(-1)!;
}

function penalised(logits: ArrayLike<number>, before: Iterable<number>, penalty: number): Float32Array {
  const scores = Float32Array.from(logits);
  for (const id of new Set(before)) scores[id]! *= scores[id]! < 0 ? penalty : 1 / penalty;
  return scores;
}

/** The first of the largest logits. */
function greatest(logits: ArrayLike<number>): number {
  let best = 0;
  for (let id = 0; id < logits.length; id++) {
    const logit = logits[id]!;
    if (Number.isNaN(logit) || logit === Infinity) throw notFinite(`${logit} for token ${id}`);
    if (logit > logits[best]!) best = id;
  }
  if (!(logits[best]! > -Infinity)) throw notFinite("-Infinity for every token");
  return best;
}

function notFinite(got: string): PipeError {
  return new PipeError("logits-not-finite", "The model gave logits that no token can be chosen from.", {
    expected: "finite numbers, or -Infinity for tokens that must not come",
    got,
    fix: "train with a lower rate, or load an earlier checkpoint",
  });
}
