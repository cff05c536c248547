import type { ScoredKey } from "@pipe/core";

/** Keeps the keys with the greatest scores; of equal scores the lower key. */
export class TopKeys {
  readonly #limit: number;
  #kept: ScoredKey[] = [];
  /** What a score must reach to be taken. */
  least = -Infinity;

  constructor(limit: number) {
    this.#limit = limit;
  }

  offer(key: number, score: number): void {
    if (score < this.least) return;
    this.#kept.push({ key, score });
    if (this.#kept.length < 2 * this.#limit + 64) return;
    this.#kept = this.ranked();
    this.least = this.#kept.at(-1)!.score;
  }

  /** Best first. */
  ranked(): ScoredKey[] {
    return this.#kept.sort(byScore).slice(0, this.#limit);
  }
}

/** Best first; equals by their key, so that results do not depend on chance. */
export function byScore(a: ScoredKey, b: ScoredKey): number {
  return b.score - a.score || a.key - b.key;
}
