import type { DataSet } from "./data-sets.ts";

/** Ranks whole documents by BM25 with any k1 and b: what an index is compared with, over the same terms. */
export class PlainBm25 {
  readonly #ids: readonly string[];
  readonly #lengths: readonly number[];
  readonly #mean: number;
  readonly #postings = new Map<string, Map<number, number>>();

  constructor(documents: DataSet["documents"], terms: (text: string) => readonly string[]) {
    this.#ids = documents.map(({ id }) => id);
    const all = documents.map(({ title = "", text }) => terms(`${title}\n${text}`));
    this.#lengths = all.map(({ length }) => length);
    this.#mean = this.#lengths.reduce((sum, length) => sum + length, 0) / all.length;
    for (const [at, list] of all.entries()) {
      for (const term of list) {
        const known = this.#postings.get(term) ?? new Map<number, number>();
        this.#postings.set(term, known.set(at, (known.get(at) ?? 0) + 1));
      }
    }
  }

  search(terms: readonly string[], k1: number, b: number): string[] {
    const scores = new Map<number, number>();
    for (const term of new Set(terms)) {
      const postings = this.#postings.get(term);
      if (postings === undefined) continue;
      const idf = Math.log(1 + (this.#ids.length - postings.size + 0.5) / (postings.size + 0.5));
      for (const [at, count] of postings) {
        const norm = k1 * (1 - b + (b * this.#lengths[at]!) / this.#mean);
        scores.set(at, (scores.get(at) ?? 0) + (idf * count * (k1 + 1)) / (count + norm));
      }
    }
    return [...scores].sort((a, c) => c[1] - a[1] || a[0] - c[0]).map(([at]) => this.#ids[at]!);
  }
}
