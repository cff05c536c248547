import { crc32 } from "node:zlib";
import { messageOf } from "@pipe/core";
import { contentOf } from "../document-processor.ts";
import type { IndexDatabase } from "./index-database.ts";
import { pageProblems } from "./index-file.ts";
import { damagedVectors } from "./vector-table.ts";
import { textOf, wholeText } from "./stored-text.ts";

/** What a check of an index found. */
export type IndexVerification = {
  readonly ok: boolean;
  /** In words, at most about twenty of a kind. */
  readonly problems: readonly string[];
};

/** Checks pages, relations, every passage, posting and vector against its checksum, and that each passage can be found. */
export function verifyIndex(database: IndexDatabase): IndexVerification {
  const problems = pageProblems(database.connection, database.path);
  const check = (body: () => string[]): void => {
    try {
      problems.push(...body().slice(0, 20));
    } catch (error) {
      problems.push(messageOf(error));
    }
  };
  check(() => {
    const rows = database.connection.prepare("PRAGMA foreign_key_check").all();
    return rows.map(({ table, rowid }) => `row ${String(rowid)} of ${String(table)} belongs to nothing`);
  });
  check(() => damagedChunks(database).map((chunk) => `passage ${chunk} is not what was written`));
  check(() => damagedVectors(database).map(({ chunk }) => `the vector of passage ${chunk} is not what was written`));
  check(() => damagedWords(database));
  check(() => unfindable(database).map((chunk) => `passage ${chunk} is not found by its words`));
  return { ok: problems.length === 0, problems };
}

/** Passages whose text is not what was written. */
export function damagedChunks(database: IndexDatabase): number[] {
  const rows = database.connection
    .prepare(`SELECT id, ${wholeText("context")}, ${wholeText("text")}, content FROM chunks`)
    .iterate();
  const bad: number[] = [];
  for (const { id, context, text, content } of rows) {
    const stored = Buffer.from(content as Uint8Array).toString("hex");
    if (stored !== contentOf(textOf(context), textOf(text))) bad.push(id as number);
  }
  return bad;
}

function damagedWords(database: IndexDatabase): string[] {
  const problems: string[] = [];
  const segments = new Set<number>();
  for (const { id, chunks, lengths, crc } of database.connection.prepare("SELECT * FROM segments").iterate()) {
    segments.add(id as number);
    if (crc32(lengths as Uint8Array, crc32(chunks as Uint8Array)) === crc) continue;
    problems.push(`the list of passages ${String(id)} is not what was written`);
  }
  for (const { segment, term, data, crc } of database.connection.prepare("SELECT * FROM postings").iterate()) {
    if (crc32(data as Uint8Array) === crc && segments.has(segment as number)) continue;
    problems.push(`the postings of ${JSON.stringify(term)} are not what was written`);
  }
  return problems;
}

function unfindable(database: IndexDatabase): number[] {
  const known = new Set<number>();
  for (const { chunks } of database.connection.prepare("SELECT chunks FROM segments").iterate()) {
    for (const chunk of new Int32Array((chunks as Uint8Array).slice().buffer)) known.add(chunk);
  }
  const all = database.connection.prepare("SELECT id FROM chunks").all();
  return all.map(({ id }) => id as number).filter((id) => !known.has(id));
}
