import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { parseCsv } from "../chunking/csv.ts";
import type { DataSet } from "./data-sets.ts";

/** Characters of a passage at least; it ends with the sentence. */
const least = 800;

/**
 * Questions on four long texts and the places of what answers them: texts are cut into passages, and right are those in which
 * evidence stands.
 */
export function evidenceSet(folder: string): DataSet {
  const texts = readdirSync(folder).filter((file) => file.endsWith(".md"));
  const [, ...rows] = parseCsv(readFileSync(join(folder, "questions_df.csv"), "utf8"));
  const documents: { id: string; text: string }[] = [];
  const queries: { text: string; right: Map<string, number> }[] = [];
  for (const file of texts) {
    const name = file.slice(0, -".md".length);
    const text = readFileSync(join(folder, file), "utf8");
    const bounds = boundsOf(text);
    const idOf = (at: number): string => `${name}/${at}`;
    for (const [at, { begin, end }] of bounds.entries()) documents.push({ id: idOf(at), text: text.slice(begin, end) });
    for (const [question, references, corpus] of rows) {
      if (corpus !== name) continue;
      const places = JSON.parse(references!) as readonly { readonly start_index: number; readonly end_index: number }[];
      const isRight = ({ begin, end }: { begin: number; end: number }): boolean =>
        places.some((place) => place.start_index < end && place.end_index > begin);
      const right = new Map(bounds.flatMap((bound, at) => (isRight(bound) ? [[idOf(at), 1] as const] : [])));
      queries.push({ text: question!, right });
    }
  }
  return { name: "evidence", documents, queries };
}

function boundsOf(text: string): { readonly begin: number; readonly end: number }[] {
  const bounds: { begin: number; end: number }[] = [];
  const sentenceEnd = /[.!?]\s+|\n+/g;
  for (let begin = 0; begin < text.length;) {
    sentenceEnd.lastIndex = begin + least;
    const found = sentenceEnd.exec(text);
    const end = found === null ? text.length : found.index + found[0].length;
    bounds.push({ begin, end });
    begin = end;
  }
  return bounds;
}
