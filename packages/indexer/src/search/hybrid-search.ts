import {
  definedOnly,
  type IEmbedder,
  type IReranker,
  PipeError,
  type ScoredKey,
  type SearchExplanation,
  type SearchOptions,
  type VectorSpace,
} from "@pipe/core";
import { embedChecked } from "../embed-missing.ts";
import type { SpaceState } from "../index-reads.ts";
import type { IndexManager } from "../index-manager.ts";
import { queryTerms } from "../lexical/terms.ts";
import type { StoredChunk } from "../store/chunk-table.ts";
import { embeddedText } from "../store/vector-table.ts";
import { checkSearchOptions } from "./check-options.ts";
import { fuse, fuseRanks } from "./fusion.ts";
import { untaughtWeight } from "./learn-weight.ts";
import { withOthers } from "./other-scores.ts";
import { byScore } from "./top-keys.ts";
import { type VectorSearch, vectorsMissing } from "./vector-search.ts";

/** Passages that each side of a hybrid search ranks, at least. */
const candidates = 64;
/** Passages that a reranker reads, at least. */
const reread = 30;

/** A found passage with all that is known of why. */
export type FoundChunk = StoredChunk & {
  readonly score: number;
  /** Terms of the query, for marking. */
  readonly terms: readonly string[];
  /** The space of an older step by whose vector it was found. */
  readonly older?: VectorSpace;
  /** Equal passages elsewhere. */
  readonly same: readonly { readonly path: string; readonly line: number }[];
  readonly explain?: SearchExplanation;
};

type Ranking = {
  readonly ranked: readonly ScoredKey[];
  readonly older: ReadonlyMap<number, VectorSpace>;
  readonly lexical?: readonly ScoredKey[];
  readonly vector?: readonly ScoredKey[];
  readonly fusion?: { readonly kind: "convex" | "rank"; readonly weight: number };
};

type Question = { readonly terms: readonly string[]; readonly vector?: Float32Array; readonly without?: string };

/** Ranks passages by words, by meaning or by both. */
export class HybridSearch {
  readonly #index: IndexManager;
  readonly #vectors: VectorSearch | undefined;
  readonly #embedder: IEmbedder | undefined;
  readonly #reranker: IReranker | undefined;

  constructor(parts: {
    readonly index: IndexManager;
    readonly vectors?: VectorSearch | undefined;
    readonly embedder?: IEmbedder | undefined;
    readonly reranker?: IReranker | undefined;
  }) {
    this.#index = parts.index;
    this.#vectors = parts.vectors;
    this.#embedder = parts.embedder;
    this.#reranker = parts.reranker;
  }

  /**
   * Passages, best first; equal ones are one.
   * @throws PipeError `search-options-invalid`, `embedder-missing`, `vectors-missing`, `document-missing`.
   */
  async find(query: string, options: SearchOptions): Promise<readonly FoundChunk[]> {
    checkSearchOptions(options);
    const { limit = 10, signal, like } = options;
    const mode = options.mode ?? (this.#embedder === undefined ? "lexical" : "hybrid");
    if (mode !== "lexical" && this.#embedder === undefined) throw embedderMissing(mode);
    const terms = queryTerms(query);
    if (terms.length === 0 && like === undefined) return [];
    signal?.throwIfAborted();
    const question = await this.#question(query, terms, mode, options);
    const wanted = this.#reranker === undefined ? limit : Math.max(reread, limit);
    const ranking = await this.#rank(question, mode, wanted, options);
    const found = await this.#read(ranking, question.terms, wanted, options);
    return (await this.#rerank(query, found, options)).slice(0, limit);
  }

  async #question(
    query: string,
    terms: readonly string[],
    mode: string,
    { like, signal }: SearchOptions,
  ): Promise<Question> {
    const embedder = mode === "lexical" ? undefined : this.#embedder;
    const asked =
      embedder === undefined || terms.length === 0 ? undefined : (await embedChecked(embedder, [query], signal))[0];
    if (like === undefined) return { terms, ...definedOnly({ vector: asked }) };
    const likeness = await this.#index.read("likeness", like, embedder?.space);
    if (likeness === undefined) {
      throw new PipeError("document-missing", "The index has no such document.", { got: like, where: "like" });
    }
    const vector = asked === undefined ? likeness.vector : sumOf(asked, likeness.vector);
    return { terms: [...new Set([...terms, ...likeness.terms])], without: likeness.id, ...definedOnly({ vector }) };
  }

  async #rank(question: Question, mode: string, wanted: number, options: SearchOptions): Promise<Ranking> {
    const { filter, fusion = "convex" } = options;
    const { terms, vector, without } = question;
    const depth = Math.max(candidates, 2 * wanted);
    const byWords = (): Promise<ScoredKey[]> => this.#index.read("lexical", terms, depth, filter, without);
    if (mode === "lexical") {
      const ranked = await byWords();
      return { ranked, lexical: ranked, older: new Map() };
    }
    const { space } = this.#embedder!;
    this.#vectors!.wake(space);
    const state = await this.#index.read("spaceState", space);
    // Together: words are looked up in the thread of the index, directions first in that of the vectors.
    const [lexical, { ranked, older }] = await Promise.all([
      mode === "vector" ? [] : byWords(),
      vector === undefined
        ? { ranked: [], older: new Map<number, VectorSpace>() }
        : this.#vectors!.search({ space, vector, limit: depth, filter, without }, state),
    ]);
    if (mode === "vector") {
      if (ranked.length === 0) await this.#checkVectors(space, state);
      return { ranked, vector: ranked, older };
    }
    if (fusion === "rank") {
      return {
        ranked: fuseRanks(lexical, ranked),
        lexical,
        vector: ranked,
        older,
        fusion: { kind: fusion, weight: 0.5 },
      };
    }
    const weight = options.weight ?? state.weight ?? untaughtWeight;
    const spaces = [space, ...state.older];
    const both = await withOthers(this.#index, { terms, vector, spaces }, { words: lexical, meaning: ranked });
    return {
      ranked: fuse(both, weight),
      lexical: [...lexical, ...both.others.words],
      vector: [...ranked, ...both.others.meaning],
      older,
      fusion: { kind: fusion, weight },
    };
  }

  async #checkVectors(space: VectorSpace, state: SpaceState): Promise<void> {
    if (state.chunks === 0 || state.vectors > 0 || state.older.length > 0) return;
    throw vectorsMissing(space, (await this.#index.read("status")).spaces);
  }

  async #read(
    ranking: Ranking,
    terms: readonly string[],
    wanted: number,
    options: SearchOptions,
  ): Promise<FoundChunk[]> {
    const found = new Map<string, FoundChunk & { same: { path: string; line: number }[] }>();
    for (let at = 0; at < ranking.ranked.length && found.size < wanted;) {
      const some = ranking.ranked.slice(at, at + wanted - found.size + 4);
      at += some.length;
      const scores = new Map(some.map(({ key, score }) => [key, score]));
      for (const chunk of await this.#index.read("chunks", [...scores.keys()])) {
        const equal = found.get(chunk.content);
        const { path, line } = chunk;
        if (equal !== undefined) equal.same.push({ path, line });
        else if (found.size < wanted) {
          const older = ranking.older.get(chunk.chunk);
          const score = scores.get(chunk.chunk)!;
          found.set(chunk.content, { ...chunk, score, terms, same: [], ...definedOnly({ older }) });
        }
      }
    }
    const all = [...found.values()];
    return options.explain === true ? this.#explain(all, ranking, terms) : all;
  }

  async #explain(found: readonly FoundChunk[], ranking: Ranking, terms: readonly string[]): Promise<FoundChunk[]> {
    const { lexical, vector, fusion } = ranking;
    const keys = found.map(({ chunk }) => chunk);
    const words = lexical === undefined ? [] : await this.#index.read("lexicalScores", terms, keys);
    const meaning = new Map(vector?.map(({ key, score }) => [key, score]));
    return found.map((each, at) => {
      const score = meaning.get(each.chunk);
      const step = (each.older ?? this.#embedder?.space)?.step;
      const explain: SearchExplanation = {
        ...(lexical === undefined ? {} : { lexical: { score: words[at]!.score, words: words[at]!.words } }),
        ...(score === undefined ? {} : { vector: { score, ...definedOnly({ step }) } }),
        ...(fusion === undefined ? {} : { fusion: { ...fusion, score: each.score } }),
      };
      return { ...each, explain };
    });
  }

  async #rerank(query: string, found: readonly FoundChunk[], options: SearchOptions): Promise<readonly FoundChunk[]> {
    const reranker = this.#reranker;
    if (reranker === undefined || found.length === 0 || query.trim() === "") return found;
    const scores = await reranker.rerank(
      query,
      found.map(({ heading, text }) => embeddedText(heading.join(" › "), text)),
      options.signal,
    );
    if (scores.length !== found.length || !scores.every(Number.isFinite)) {
      throw new PipeError("reranker-invalid", "The reranker gave no proper scores.", {
        expected: `${found.length} finite numbers`,
        got: `${scores.length} numbers`,
        where: reranker.id,
      });
    }
    return scores
      .map((score, key) => ({ key, score }))
      .sort(byScore)
      .map(({ key, score }) => {
        const { explain, ...each } = found[key]!;
        const rerank = { model: reranker.id, score };
        return { ...each, score, ...(explain === undefined ? {} : { explain: { ...explain, rerank } }) };
      });
  }
}

function sumOf(a: Float32Array, b: Float32Array | undefined): Float32Array {
  if (b === undefined) return a;
  const sum = a.map((value, at) => value + b[at]!);
  const norm = Math.hypot(...sum);
  return norm === 0 ? a : sum.map((value) => value / norm);
}

function embedderMissing(mode: string): PipeError {
  return new PipeError("embedder-missing", `The index was opened without an embedder, which ${mode} search needs.`, {
    fix: "open it with the embedder that made its vectors, or search in mode lexical",
  });
}
