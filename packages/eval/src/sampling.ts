import { PipeError, type Random } from "@pipe/core";

/** How a token is chosen from logits. */
export type SamplingOptions = {
  /** Divides the logits; 0 takes the largest. Default 1. */
  readonly temperature?: number;
  /** Only the k most likely tokens; default all. */
  readonly topK?: number;
  /** Only the smallest set of tokens whose probability reaches p (Holtzman et al., 2020); default 1. */
  readonly topP?: number;
};

/** @throws PipeError `sampling-invalid`. */
export function checkSampling({ temperature = 1, topK = 1, topP = 1 }: SamplingOptions): void {
  const valid =
    temperature >= 0 && temperature < Infinity && Number.isInteger(topK) && topK >= 1 && topP > 0 && topP <= 1;
  if (valid) return;
  throw new PipeError("sampling-invalid", "The sampling settings are out of range.", {
    expected: "temperature ≥ 0, topK a positive integer, 0 < topP ≤ 1",
    got: JSON.stringify({ temperature, topK, topP }),
  });
}

/**
 * Chooses a token id; a logit of -∞ is never chosen. Equal logits keep the order of their ids.
 * @throws PipeError `sampling-invalid`; `logits-not-finite` for NaN, +∞, or -∞ alone.
 */
export function sampleToken(logits: ArrayLike<number>, options: SamplingOptions, random: Random): number {
  checkSampling(options);
  const { temperature = 1, topK, topP = 1 } = options;
  const likeliest = greatest(logits);
  if (temperature === 0) return likeliest;
  const order = Array.from(logits, (_, id) => id);
  // Ties keep the order of ids, so that the result depends on nothing else.
  order.sort((a, b) => logits[b]! - logits[a]! || a - b);
  const kept = order.slice(0, topK ?? order.length);
  const weights = kept.map((id) => Math.exp((logits[id]! - logits[likeliest]!) / temperature));
  const total = weights.reduce((a, b) => a + b, 0);
  let nucleus = 0;
  let count = 0;
  while (count < kept.length && nucleus < topP * total) nucleus += weights[count++]!;
  let rest = random.uniform() * nucleus;
  for (let i = 0; i < count; i++) {
    rest -= weights[i]!;
    if (rest < 0) return kept[i]!;
  }
  return kept[count - 1]!;
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
