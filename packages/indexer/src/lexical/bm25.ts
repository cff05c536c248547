/** How much a word's repetition and a passage's length count. */
const K1 = 1.2;
const B = 0.75;

/** How telling a term is that stands in `matching` of `all` passages; never negative. */
export function inverseFrequency(matching: number, all: number): number {
  return Math.log(1 + (Math.max(all, matching) - matching + 0.5) / (matching + 0.5));
}

/** A term that stands `count` times in a passage gives `termFactor · count / (count + lengthNorm)` to its score. */
export function termFactor(idf: number): number {
  return idf * (K1 + 1);
}

/** What the length of a passage adds below the fraction. */
export function lengthNorm(length: number, mean: number): number {
  return K1 * (1 - B + (B * length) / mean);
}
