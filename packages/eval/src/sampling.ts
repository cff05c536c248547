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

/** Chooses a token id. @throws PipeError `logits-not-finite` where the model gave NaN. */
export function sampleToken(
  logits: ArrayLike<number>,
  { temperature = 1, topK, topP = 1 }: SamplingOptions,
  random: Random,
): number {
  const order = Array.from(logits, (_, id) => id);
  for (const id of order) {
    if (!Number.isNaN(logits[id]!)) continue;
    throw new PipeError("logits-not-finite", "The model gave NaN as a logit.", {
      where: `token ${id}`,
      fix: "train with a lower rate, or load an earlier checkpoint",
    });
  }
  if (temperature === 0) return order.reduce((best, id) => (logits[id]! > logits[best]! ? id : best), 0);
  // Ties keep the order of ids, so that the result depends on nothing else.
  order.sort((a, b) => logits[b]! - logits[a]! || a - b);
  const kept = order.slice(0, topK ?? order.length);
  const largest = logits[kept[0]!]!;
  const weights = kept.map((id) => Math.exp((logits[id]! - largest) / temperature));
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
