import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { evidenceSet } from "./evidence-set.ts";

/** A retrieval task: texts, questions and what is right for each, with its grade. */
export type DataSet = {
  readonly name: string;
  readonly documents: readonly { readonly id: string; readonly title?: string; readonly text: string }[];
  readonly queries: readonly { readonly text: string; readonly right: ReadonlyMap<string, number> }[];
};

/** The folder of public data, named by PIPE_BENCH_DATA. */
export function dataFolder(): string {
  const folder = process.env["PIPE_BENCH_DATA"] ?? "";
  if (existsSync(join(folder, "cranfield"))) return folder;
  throw new Error(
    "PIPE_BENCH_DATA must name a folder with cranfield/, chem/, docs-qa/ and chunking/ (bench/README.md).",
  );
}

/** All sets, read when they are asked for. */
export const dataSets: { readonly [name: string]: (folder: string) => DataSet } = {
  cranfield: (folder) => {
    const read = (name: string): string => readFileSync(join(folder, "cranfield", name), "utf8");
    const documents = read("cran.all.1400")
      .split(/^\.I /m)
      .slice(1)
      .map((entry) => {
        const [, id, title, text] = /^(\d+)\s+\.T\s+([^]*?)\.A[^]*?\.W\s+([^]*)$/.exec(entry)!;
        // The text begins with the title.
        const rest = text!.trim().startsWith(title!.trim()) ? text!.trim().slice(title!.trim().length) : text!;
        return { id: id!, title: title!.replaceAll(/\s+/g, " ").trim(), text: rest.trim() };
      });
    const grades = read("cranqrel")
      .trim()
      .split("\n")
      .map((line) => line.trim().split(/\s+/).map(Number) as [number, number, number]);
    // The judgements count queries by their place, whatever their ids are; lower grades are better there.
    const queries = read("cran.qry")
      .split(/^\.I /m)
      .slice(1)
      .map((entry, at) => ({
        text: entry.replace(/^\d+\s+\.W\s+/, "").replaceAll(/\s+/g, " "),
        right: new Map(
          grades.filter(([query, , grade]) => query === at + 1 && grade >= 1).map(([, id]) => [String(id), 1]),
        ),
      }));
    return { name: "cranfield", documents, queries };
  },
  chem: (folder) => {
    const lines = <T>(name: string): T[] =>
      readFileSync(join(folder, "chem", name), "utf8")
        .trim()
        .split("\n")
        .map((line) => JSON.parse(line) as T);
    type Entry = { readonly _id: string; readonly text: string };
    const right = new Map<string, Map<string, number>>();
    for (const row of lines<{ "query-id": string; "corpus-id": string; score: number }>("a1-default.jsonl")) {
      const known = right.get(row["query-id"]) ?? new Map<string, number>();
      right.set(row["query-id"], known.set(row["corpus-id"], row.score));
    }
    return {
      name: "chem",
      documents: lines<Entry>("a1-corpus.jsonl").map(({ _id, text }) => ({ id: _id, text })),
      queries: lines<Entry>("a1-queries.jsonl").map(({ _id, text }) => ({ text, right: right.get(_id) ?? new Map() })),
    };
  },
  "docs-qa": (folder) => {
    const read = <T>(name: string): T => JSON.parse(readFileSync(join(folder, "docs-qa", name), "utf8")) as T;
    type Section = { readonly chunk_link: string; readonly chunk_heading: string; readonly text: string };
    type Question = { readonly question: string; readonly correct_chunks: readonly string[] };
    return {
      name: "docs-qa",
      documents: read<Section[]>("docs.json").map(({ chunk_link, chunk_heading, text }) => {
        return { id: chunk_link, title: chunk_heading, text };
      }),
      queries: read<Question[]>("questions.json").map(({ question, correct_chunks }) => {
        return { text: question, right: new Map(correct_chunks.map((id) => [id, 1])) };
      }),
    };
  },
  evidence: (folder) => evidenceSet(join(folder, "chunking")),
};
