import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { IEmbedder } from "@pipe/core";
import { createStrategy, MarkdownParser, OnnxEmbedder, type StrategyConfig } from "@pipe/indexer";
import { benchData } from "../bench-data.ts";
import { lastJson } from "../output.ts";
import { type BenchOptions, type BenchResult, resultHead } from "../result.ts";
import { parseCsv } from "./csv.ts";

type Range = { readonly begin: number; readonly end: number };
type Question = { readonly text: string; readonly evidence: readonly Range[] };
type Corpus = {
  readonly name: string;
  readonly file: string;
  readonly text: string;
  readonly questions: readonly Question[];
};
type Score = { recall: number; precision: number; iou: number };

/** Passages that are looked at for each question. */
const top = 5;
const here = import.meta.dirname;
const envs = join(here, "../.envs");

/**
 * How well passages fit the evidence of questions: token recall, precision and intersection over union of the five passages
 * that MiniLM ranks first (the measures of Smith and Troynikov, 2024, "Evaluating Chunking Strategies for Retrieval"). The
 * size is the budget of a passage in tokens of 4 characters, the same for all.
 */
export async function benchChunking({ size }: BenchOptions): Promise<BenchResult> {
  const tokens = Number(size);
  if (!Number.isInteger(tokens)) throw new Error("The size of chunking is a number of tokens, such as 200.");
  const corpora = readCorpora(benchData("chunking"));
  const model = join(envs, "minilm");
  if (!existsSync(model)) throw new Error("MiniLM is absent: bench/setup/setup.sh");
  const embedder = await OnnxEmbedder.open({ folder: model });
  const contenders = new Map<string, readonly (readonly Range[])[]>([
    ["ours section", corpora.map(({ text }) => ours(text, { kind: "section", tokens }))],
    ["ours sentence", corpora.map(({ text }) => ours(text, { kind: "sentence", tokens }))],
    ["ours window", corpora.map(({ text }) => ours(text, { kind: "window", tokens, overlap: 0 }))],
  ]);
  if (existsSync(join(envs, "chunking"))) {
    const files = corpora.map(({ file }) => file);
    const theirs = lastJson<{ [splitter: string]: readonly (readonly string[])[] }>(process.execPath, [
      join(here, "theirs.mjs"),
      join(envs, "chunking"),
      String(tokens),
      ...files,
    ]);
    for (const [name, passages] of Object.entries(theirs))
      contenders.set(
        name,
        passages.map((each, i) => locate(each, corpora[i]!.text)),
      );
  } else console.log("LangChain.js, LlamaIndex.TS and mastra are absent: bench/setup/setup.sh");

  const scores: { [name: string]: Score } = {};
  const raw: { [name: string]: number[][] } = {};
  console.log(
    `chunking, passages of ${tokens} tokens, the first ${top} of MiniLM, ${corpora.map(({ name }) => name).join(", ")}`,
  );
  for (const [name, passages] of contenders) {
    const each: Score[] = [];
    for (const [i, corpus] of corpora.entries()) each.push(...(await score(corpus, passages[i]!, embedder)));
    scores[name] = mean(each);
    raw[name] = [each.map(({ iou }) => Math.round(1e4 * iou) / 1e4)];
    const { recall, precision, iou } = scores[name];
    const percent = (x: number): string => `${(100 * x).toFixed(1)} %`.padStart(8);
    console.log(`${name.padEnd(20)} recall ${percent(recall)}  precision ${percent(precision)}  IoU ${percent(iou)}`);
  }
  await embedder[Symbol.asyncDispose]();
  const best = scores["ours section"]!.iou;
  const theirs = Object.entries(scores).filter(([name]) => !name.startsWith("ours"));
  return {
    ...resultHead("chunking", size, "IoU"),
    ours: best,
    theirs: Object.fromEntries(theirs.map(([name, { iou }]) => [name, iou])),
    ratio: Object.fromEntries(theirs.map(([name, { iou }]) => [name, Math.round((1000 * best) / iou) / 1000])),
    raw,
  };
}

function ours(text: string, config: StrategyConfig): readonly Range[] {
  return createStrategy(config).chunk(new MarkdownParser().parse(text));
}

/** Where passages stand in their text: others give text alone, with other white space. */
function locate(passages: readonly string[], text: string): readonly Range[] {
  const places = [...text.matchAll(/\S/g)].map(({ index }) => index);
  const dense = text.replaceAll(/\s/g, "");
  let from = 0;
  return passages.flatMap((passage) => {
    const letters = passage.replaceAll(/\s/g, "");
    if (letters === "") return [];
    const at = dense.indexOf(letters, from);
    if (at < 0) throw new Error(`A passage is not in its text: ${passage.slice(0, 80)}`);
    from = at + 1;
    return [{ begin: places[at]!, end: places[at + letters.length - 1]! + 1 }];
  });
}

async function score({ text, questions }: Corpus, passages: readonly Range[], embedder: IEmbedder): Promise<Score[]> {
  const vectors = await embedder.embed(passages.map(({ begin, end }) => text.slice(begin, end)));
  const asked = await embedder.embed(questions.map((question) => question.text));
  return questions.map(({ evidence }, q) => {
    const ranked = passages
      .map((range, i) => ({ range, score: vectors[i]!.reduce((sum, x, c) => sum + x * asked[q]![c]!, 0) }))
      .sort((a, b) => b.score - a.score)
      .slice(0, top);
    const found = ranked.map(({ range }) => range);
    const both = found.reduce((sum, range) => sum + overlap(range, evidence), 0);
    const [retrieved, relevant] = [lengthOf(found), lengthOf(evidence)];
    return { recall: both / relevant, precision: both / retrieved, iou: both / (retrieved + relevant - both) };
  });
}

const lengthOf = (ranges: readonly Range[]): number => ranges.reduce((sum, { begin, end }) => sum + end - begin, 0);

const overlap = (range: Range, others: readonly Range[]): number =>
  others.reduce(
    (sum, other) => sum + Math.max(0, Math.min(range.end, other.end) - Math.max(range.begin, other.begin)),
    0,
  );

function mean(scores: readonly Score[]): Score {
  const of = (pick: (score: Score) => number): number =>
    scores.reduce((sum, each) => sum + pick(each), 0) / scores.length;
  return { recall: of(({ recall }) => recall), precision: of(({ precision }) => precision), iou: of(({ iou }) => iou) };
}

/** The texts that are there, with their questions; overlapping evidence is joined. */
function readCorpora(folder: string): readonly Corpus[] {
  const rows = parseCsv(readFileSync(join(folder, "questions_df.csv"), "utf8")).slice(1);
  const names = [...new Set(rows.map(([, , name]) => name!))].filter((name) => existsSync(join(folder, `${name}.md`)));
  return names.map((name) => {
    const file = join(folder, `${name}.md`);
    const questions = rows.flatMap(([text, references, of]): Question[] => {
      if (of !== name) return [];
      const parts = JSON.parse(references!) as { start_index: number; end_index: number }[];
      return [
        { text: text!, evidence: joined(parts.map((part) => ({ begin: part.start_index, end: part.end_index }))) },
      ];
    });
    return { name, file, text: readFileSync(file, "utf8"), questions };
  });
}

function joined(ranges: readonly Range[]): readonly Range[] {
  const result: Range[] = [];
  for (const range of ranges.toSorted((a, b) => a.begin - b.begin)) {
    const last = result.at(-1);
    if (last !== undefined && range.begin <= last.end)
      result[result.length - 1] = { begin: last.begin, end: Math.max(last.end, range.end) };
    else result.push(range);
  }
  return result;
}
