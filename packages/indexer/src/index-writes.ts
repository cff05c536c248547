import type { VectorSpace } from "@pipe/core";
import type { ProcessedDocument } from "./document-processor.ts";
import { LexicalWriter } from "./lexical/lexical-writer.ts";
import { compactIndex } from "./store/compact.ts";
import { putDocument, removeDocument } from "./store/document-table.ts";
import type { IndexDatabase } from "./store/index-database.ts";
import { importLines } from "./store/transfer.ts";
import { listSpaces, putVectors, spaceNumber } from "./store/vector-table.ts";

/** What changes an index: plain functions over one connection, each one transaction. */
export function indexWrites(opened: () => IndexDatabase) {
  let lexical: LexicalWriter | undefined;

  const read = <T>(body: (database: IndexDatabase) => T): T => opened().read(() => body(opened()));
  const write = <T>(body: (database: IndexDatabase, lexical: LexicalWriter) => T): T => {
    const writer = (lexical ??= new LexicalWriter(opened()));
    try {
      return opened().write(() => {
        const result = body(opened(), writer);
        writer.flush();
        return result;
      });
    } finally {
      writer.reset();
    }
  };

  return {
    /** @returns how many passages are new. */
    put(collection: string, documents: readonly ProcessedDocument[], vectors: readonly NewVectors[]): number {
      return write((database, lexical) => {
        const stored = documents.map((document) => putDocument(database, lexical, collection, document));
        for (const { space, rows } of vectors) {
          const placed = rows.map(({ at, place, vector }) => ({ chunk: stored[at]!.ids[place]!, vector }));
          putVectors(database, space, placed);
        }
        return stored.reduce((sum, { fresh }) => sum + fresh, 0);
      });
    },

    putVectors(space: VectorSpace, rows: readonly { readonly chunk: number; readonly vector: Float32Array }[]): void {
      write((database) => putVectors(database, space, rows));
    },

    remove(collection: string, ids: readonly string[]): number {
      return write((database) => ids.filter((id) => removeDocument(database, collection, id)).length);
    },

    fail(collection: string, failures: readonly { readonly id: string; readonly message: string }[]): void {
      write((database) => {
        const insert = database.sql("INSERT OR REPLACE INTO failures (collection, id, message) VALUES (?, ?, ?)");
        for (const { id, message } of failures) insert.run(collection, id, message);
      });
    },

    /** Forgets failures of documents that are all right now. */
    succeed(collection: string, ids: readonly string[]): void {
      write((database) => {
        for (const id of ids) database.sql("DELETE FROM failures WHERE collection = ? AND id = ?").run(collection, id);
      });
    },

    /** Removes the vectors of other steps of the same model. */
    dropOtherSteps(space: VectorSpace): VectorSpace[] {
      const others = read((database) => {
        const kept = spaceNumber(database, space) ?? -1;
        return listSpaces(database).filter(({ id, number }) => id === space.id && number !== kept);
      });
      if (others.length === 0) return [];
      return write((database) => {
        for (const { number } of others) database.sql("DELETE FROM spaces WHERE number = ?").run(number);
        return others.map(({ id, step, dimensions }) => ({ id, dimensions, ...(step === undefined ? {} : { step }) }));
      });
    },

    learn(space: VectorSpace, weight: number): void {
      write((database) =>
        database.sql("UPDATE spaces SET weight = ? WHERE number = ?").run(weight, spaceNumber(database, space) ?? -1),
      );
    },

    compact(): void {
      compactIndex(opened());
    },

    imported(lines: readonly string[], first: number): number {
      return importLines(opened(), lines, first);
    },
  };
}

/** Vectors of passages that are stored with their documents. */
export type NewVectors = {
  readonly space: VectorSpace;
  /** Of the document at a place of those, and the passage at a place in it. */
  readonly rows: readonly { readonly at: number; readonly place: number; readonly vector: Float32Array }[];
};
