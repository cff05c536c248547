import { PipeError, type SearchOptions } from "@pipe/core";
import type { MarkdownIndexer } from "../markdown-indexer.ts";

/** A question, and the documents that answer it. */
export type SearchQuestion = { readonly query: string; readonly paths: readonly string[] };

/** How an index answers one question. */
export type AnsweredQuestion = SearchQuestion & {
  /** 1 where the first document found is right; nothing where none of those that count is. */
  readonly rank: number | null;
  readonly ndcg: number;
  readonly recall: number;
};

/** How well an index answers questions: means over them, each from 0 to 1. */
export type SearchQuality = {
  /** Discounted gain by the greatest possible one (Järvelin and Kekäläinen 2002); every right document gains the same. */
  readonly ndcg: number;
  /** The share of the right documents that is found. */
  readonly recall: number;
  /** 1 by the rank of the first right document. */
  readonly reciprocalRank: number;
  readonly questions: readonly AnsweredQuestion[];
};

/** How questions are asked. */
export type EvaluateOptions = Omit<SearchOptions, "limit" | "explain"> & {
  /** Documents that count, each at the place of its best passage; default 10. */
  readonly depth?: number;
  /** Is told how many questions were asked. */
  readonly onProgress?: (asked: number, total: number) => void;
};

/**
 * Measures how well an index answers questions whose answers are known.
 * @throws PipeError `questions-invalid` where there are none or one has no answer, `document-missing` where the index has not what is to
 *   be found, and what {@link MarkdownIndexer.search} throws.
 */
export async function evaluateSearch(
  indexer: Pick<MarkdownIndexer, "get" | "search">,
  questions: readonly SearchQuestion[],
  { depth = 10, onProgress, ...options }: EvaluateOptions = {},
): Promise<SearchQuality> {
  const unanswered = questions.find(({ paths }) => paths.length === 0);
  if (questions.length === 0 || unanswered !== undefined) {
    throw new PipeError("questions-invalid", "There is no question with an answer to ask.", {
      expected: "questions, each with the paths of one or more documents",
      got: unanswered === undefined ? "none" : `no paths for ${JSON.stringify(unanswered.query)}`,
    });
  }
  await checkPaths(indexer, questions);
  const answered: AnsweredQuestion[] = [];
  for (const question of questions) {
    onProgress?.(answered.length, questions.length);
    answered.push(judged(question, await documentsFound(indexer, question.query, depth, options), depth));
  }
  const mean = (value: (each: AnsweredQuestion) => number): number =>
    answered.reduce((sum, each) => sum + value(each), 0) / answered.length;
  return {
    ndcg: mean(({ ndcg }) => ndcg),
    recall: mean(({ recall }) => recall),
    reciprocalRank: mean(({ rank }) => (rank === null ? 0 : 1 / rank)),
    questions: answered,
  };
}

async function checkPaths(indexer: Pick<MarkdownIndexer, "get">, questions: readonly SearchQuestion[]): Promise<void> {
  const known = new Set<string>();
  for (const { query, paths } of questions) {
    for (const path of paths) {
      if (known.has(path)) continue;
      if ((await indexer.get(path)) === undefined) {
        throw new PipeError("document-missing", "The index has no such document, which is to answer a question.", {
          got: path,
          where: JSON.stringify(query),
          fix: "name documents as the index does: `pipe search` shows their paths",
        });
      }
      known.add(path);
    }
  }
}

/** The paths of the first documents; more passages are asked for until they are of so many. */
async function documentsFound(
  indexer: Pick<MarkdownIndexer, "search">,
  query: string,
  depth: number,
  options: SearchOptions,
): Promise<readonly string[]> {
  for (let limit = 4 * depth; ; limit *= 4) {
    const hits = await indexer.search(query, { ...options, limit });
    const paths = new Set(hits.flatMap(({ path, same = [] }) => [path, ...same.map((each) => each.path)]));
    if (paths.size >= depth || hits.length < limit) return [...paths].slice(0, depth);
  }
}

function judged(question: SearchQuestion, found: readonly string[], depth: number): AnsweredQuestion {
  const right = new Set(question.paths);
  const gain = (rank: number): number => 1 / Math.log2(rank + 1);
  const ranks = found.flatMap((path, at) => (right.has(path) ? [at + 1] : []));
  const sum = (all: readonly number[]): number => all.reduce((total, rank) => total + gain(rank), 0);
  const ideal = sum(Array.from({ length: Math.min(depth, right.size) }, (_, at) => at + 1));
  return { ...question, rank: ranks[0] ?? null, ndcg: sum(ranks) / ideal, recall: ranks.length / right.size };
}
