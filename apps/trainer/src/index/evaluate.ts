import { readFile } from "node:fs/promises";
import { resolve } from "node:path";
import { PipeError, type SearchOptions } from "@pipe/core";
import { evaluateSearch, pairedBootstrap, type SearchQuality, type SearchQuestion } from "@pipe/indexer";
import { formatPlural } from "@pipe/monitor";
import type { Host } from "../host.ts";
import { indexFolderOf, usableEmbedder, withIndex } from "../markdown-index.ts";
import { rerankerAt, type TextModelPlace } from "../model-folder.ts";
import { table } from "../runs/table.ts";
import { StatusLine } from "../status-line.ts";
import { engineFlag, parseCommand, required, wholeFlag } from "../usage.ts";

/** Questions without an answer among the first documents that are listed. */
const MOST_LISTED = 10;

type Named = { readonly name: string; readonly quality: SearchQuality };

/** `pipe index evaluate <questions>`: how well an index answers questions of one's own, by words, by meaning and by both. */
export async function evaluateIndex(args: readonly string[], host: Host): Promise<number> {
  const { values, positionals } = parseCommand(
    args,
    {
      index: { type: "string" },
      depth: { type: "string", default: "10" },
      engine: { type: "string" },
      rerank: { type: "string" },
    },
    1,
  );
  const questions = await readQuestions(resolve(host.cwd, required("The file of questions", positionals[0])));
  const index = indexFolderOf(host.cwd, values.index);
  const depth = wholeFlag("depth", values.depth, 1);
  const [run, engine] = [await usableEmbedder(index, host, "searching"), engineFlag(values.engine)];
  const reranker = await rerankerAt(host, values.rerank);
  const line = new StatusLine(host.stderr);
  const measured: Named[] = [];
  const measure = (modes: readonly (readonly [string, SearchOptions])[], reordering?: TextModelPlace) =>
    withIndex(host, { index, run, engine, create: false, reranker: reordering }, async (indexer) => {
      for (const [name, options] of modes) {
        const onProgress = (asked: number, total: number): void =>
          line.show(() => `${name}: question ${asked + 1} of ${total}`);
        measured.push({ name, quality: await evaluateSearch(indexer, questions, { ...options, depth, onProgress }) });
      }
    });
  try {
    const byMeaning = [["meaning", { mode: "vector" }] as const, ["hybrid", { mode: "hybrid" }] as const];
    await measure([["words", { mode: "lexical" }], ...(run === undefined ? [] : byMeaning)]);
    if (reranker !== undefined) await measure([["reranked", {}]], reranker);
  } finally {
    line[Symbol.dispose]();
  }
  if (values.json === true)
    for (const { name, quality } of measured)
      host.stdout.write(`${JSON.stringify({ mode: name, depth, ...quality })}\n`);
  else host.stdout.write(formatQualities(measured, depth));
  return 0;
}

/** Lines of JSON: `{ "query": …, "path": … }`, or `paths` where several documents answer. @throws PipeError `questions-invalid`. */
async function readQuestions(file: string): Promise<SearchQuestion[]> {
  const lines = (await readFile(file, "utf8")).split(/\r?\n/);
  return lines.flatMap((line, at) => (line.trim() === "" ? [] : [questionOf(line, `${file}:${at + 1}`)]));
}

function questionOf(line: string, where: string): SearchQuestion {
  const isText = (value: unknown): value is string => typeof value === "string" && value !== "";
  let value: { readonly query?: unknown; readonly path?: unknown; readonly paths?: unknown } | null;
  try {
    value = JSON.parse(line) as typeof value;
  } catch {
    value = null;
  }
  const paths: unknown = value?.paths ?? [value?.path];
  if (isText(value?.query) && Array.isArray(paths) && paths.length > 0 && paths.every(isText))
    return { query: value.query, paths };
  throw new PipeError("questions-invalid", "A line of the questions is not understood.", {
    expected: '{"query": "how is tea made?", "path": "drinks/tea.md"}, or "paths" with several',
    got: line.slice(0, 200),
    where,
  });
}

function formatQualities(measured: readonly Named[], depth: number): string {
  const { name, quality } = measured.at(-1)!;
  const [words] = measured;
  const rows = measured.map(({ name: each, quality: { ndcg, recall, reciprocalRank, questions } }) => [
    each,
    ...[ndcg, recall, reciprocalRank].map((value) => value.toFixed(3)),
    questions === words!.quality.questions ? "" : difference(gains(questions), gains(words!.quality.questions)),
  ]);
  const head = ["", `nDCG@${depth}`, `recall@${depth}`, "MRR", measured.length > 1 ? "nDCG beside words, 95 %" : ""];
  const missed = quality.questions.filter(({ rank }) => rank === null);
  const listed = missed.slice(0, MOST_LISTED).map(({ query, paths }) => `  ${query}  (${paths.join(", ")})\n`);
  const more = missed.length > MOST_LISTED ? `  and ${missed.length - MOST_LISTED} more: --json has all\n` : "";
  return [
    `${formatPlural(quality.questions.length, "question")}, the first ${depth} documents of each\n\n`,
    table([head, ...rows], 1),
    ...(missed.length === 0 ? [] : [`\nnot found by ${name}:\n`, ...listed, more]),
  ].join("");
}

function gains(questions: SearchQuality["questions"]): number[] {
  return questions.map(({ ndcg }) => ndcg);
}

/** `+0.018 [−0.002, +0.038]`: how much more, and between what bounds it lies by chance. */
function difference(ours: readonly number[], theirs: readonly number[]): string {
  const { difference: mean, low, high } = pairedBootstrap(ours, theirs);
  const signed = (value: number): string => `${value < 0 ? "−" : "+"}${Math.abs(value).toFixed(3)}`;
  return `${signed(mean)} [${signed(low)}, ${signed(high)}]`;
}
