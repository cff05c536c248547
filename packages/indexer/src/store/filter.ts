import { isDeepStrictEqual } from "node:util";
import type { Json, SearchFilter } from "@pipe/core";
import { PipeError } from "@pipe/core";
import { globTest } from "./glob.ts";
import type { IndexDatabase } from "./index-database.ts";
import { textOf, wholeText } from "./stored-text.ts";

/**
 * The passages that a filter lets through; nothing where there is no filter.
 * @throws PipeError `search-options-invalid`.
 */
export function allowedChunks(database: IndexDatabase, filter: SearchFilter | undefined): Set<number> | undefined {
  if (filter === undefined || Object.values(filter).every((value) => value === undefined)) return undefined;
  const { path, fields, heading, language, since, until, collections } = filter;
  for (const [name, value] of Object.entries({ since, until })) {
    if (value === undefined || /^\d{4}(-\d{2}(-\d{2}.*)?)?$/.test(value)) continue;
    throw new PipeError("search-options-invalid", "A date is written as 2026-11-25.", {
      got: value,
      where: `filter.${name}`,
    });
  }
  const fits = path === undefined ? undefined : globTest(path);
  const wanted = heading === undefined ? undefined : plain(heading);
  const chunks = database.sql(
    `SELECT id, heading, languages${wanted === undefined ? "" : `, ${wholeText("text")}`} FROM chunks WHERE document = ?`,
  );
  const allowed = new Set<number>();
  const documents = database.connection
    .prepare("SELECT number, collection, path, metadata, date FROM documents")
    .iterate();
  for (const row of documents) {
    if (collections !== undefined && !collections.includes(row["collection"] as string)) continue;
    if (fits !== undefined && !fits(row["path"] as string)) continue;
    if (!inRange(row["date"] as string | null, since, until)) continue;
    if (fields !== undefined && !hasFields(row["metadata"] as string | null, fields)) continue;
    for (const { id, heading: above, languages, text } of chunks.iterate(row["number"]!)) {
      if (language !== undefined && !(languages as string).includes(` ${language.toLowerCase()} `)) continue;
      if (wanted !== undefined && !hasHeading(JSON.parse(above as string) as string[], text, wanted)) continue;
      allowed.add(id as number);
    }
  }
  return allowed;
}

/** A day includes all its hours: `until: "2026-11-25"` lets through what was written at noon, `since` noon what was on that day. */
function inRange(date: string | null, since: string | undefined, until: string | undefined): boolean {
  if (since === undefined && until === undefined) return true;
  if (date === null) return false;
  return (
    (since === undefined || date >= since.slice(0, date.length)) &&
    (until === undefined || date.slice(0, until.length) <= until)
  );
}

/** Small sections share a passage: their headings stand in its text. */
function hasHeading(above: readonly string[], text: unknown, wanted: string): boolean {
  return (
    above.some((each) => plain(each) === wanted) || headingsIn(textOf(text)).some((each) => plain(each) === wanted)
  );
}

const headingLine = /^ {0,3}#{1,6}[ \t]+(.+?)(?:[ \t]+#+)?[ \t]*$/;
const underline = /^ {0,3}(?:=+|-+)[ \t]*$/;

/** What the lines of a text that are headings say, but for those in code. */
function headingsIn(text: string): string[] {
  const headings: string[] = [];
  let fence = "";
  let last = "";
  for (const line of text.split(/\r?\n/)) {
    const [, mark] = /^ {0,3}(`{3,}|~{3,})/.exec(line) ?? [];
    if (fence !== "") {
      if (mark?.startsWith(fence) === true) fence = "";
      continue;
    }
    if (mark !== undefined) fence = mark;
    const heading = underline.test(line) ? last : headingLine.exec(line)?.[1];
    if (heading !== undefined && heading !== "") headings.push(heading);
    last = line.trim();
  }
  return headings;
}

/** A heading without case and without the signs that only set it off. */
function plain(heading: string): string {
  return heading
    .replaceAll(/\[([^\]]*)\]\([^)]*\)/g, "$1")
    .replaceAll(/[`*_\\]/g, "")
    .trim()
    .toLowerCase();
}

function hasFields(metadata: string | null, fields: { readonly [name: string]: Json }): boolean {
  const stored = (metadata === null ? {} : JSON.parse(metadata)) as { readonly [name: string]: Json } | null;
  return Object.entries(fields).every(([name, wanted]) => {
    const value = stored?.[name];
    const equal = (each: Json | undefined): boolean => isDeepStrictEqual(each, wanted);
    return equal(value) || (Array.isArray(value) && value.some((each) => equal(each as Json)));
  });
}
