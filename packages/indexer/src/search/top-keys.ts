import type { ScoredKey } from "@pipe/core";

/** What all passages score. */
export type AllScores = {
  /** The greatest, best first. */
  best(limit: number): ScoredKey[];
  /** That of one; nothing where it is not there. */
  of(key: number): number | undefined;
};

/** Keeps the keys with the greatest scores; of equal scores the lower key. */
export class TopKeys {
  readonly #limit: number;
  /** A heap with the worst on top: whatever is better takes its place. */
  readonly #keys: number[] = [];
  readonly #scores: number[] = [];
  /** What a score must reach to be taken. */
  least = -Infinity;

  constructor(limit: number) {
    this.#limit = limit;
  }

  offer(key: number, score: number): void {
    if (score < this.least) return;
    if (this.#keys.length < this.#limit) this.#rise(key, score);
    else if (this.#isWorse(0, key, score)) this.#sink(key, score);
    if (this.#keys.length === this.#limit) this.least = this.#scores[0]!;
  }

  /** Best first. */
  ranked(): ScoredKey[] {
    return this.#keys.map((key, at) => ({ key, score: this.#scores[at]! })).sort(byScore);
  }

  /** Whether what stands at a place is worse than another. */
  #isWorse(at: number, key: number, score: number): boolean {
    return this.#scores[at]! < score || (this.#scores[at] === score && this.#keys[at]! > key);
  }

  #put(at: number, key: number, score: number): void {
    this.#keys[at] = key;
    this.#scores[at] = score;
  }

  /** Adds one at the end, and moves what is better down until it fits. */
  #rise(key: number, score: number): void {
    let at = this.#keys.length;
    for (let parent = (at - 1) >> 1; at > 0 && !this.#isWorse(parent, key, score); parent = (at - 1) >> 1) {
      this.#put(at, this.#keys[parent]!, this.#scores[parent]!);
      at = parent;
    }
    this.#put(at, key, score);
  }

  /** Puts one in place of the worst, and moves what is worse up until it fits. */
  #sink(key: number, score: number): void {
    let at = 0;
    const { length } = this.#keys;
    for (let next = 1; next < length; next = 2 * at + 1) {
      const other = next + 1;
      const worst = other < length && this.#isWorse(other, this.#keys[next]!, this.#scores[next]!) ? other : next;
      if (!this.#isWorse(worst, key, score)) break;
      this.#put(at, this.#keys[worst]!, this.#scores[worst]!);
      at = worst;
    }
    this.#put(at, key, score);
  }
}

/** Best first; equals by their key, so that results do not depend on chance. */
export function byScore(a: ScoredKey, b: ScoredKey): number {
  return b.score - a.score || a.key - b.key;
}
