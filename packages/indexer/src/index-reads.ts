import { statSync } from "node:fs";
import type { IndexedDocument, IndexStatus, ScoredKey, SearchFilter, VectorSpace } from "@pipe/core";
import { LexicalReader, type TermScores } from "./lexical/lexical-reader.ts";
import { eachTerm } from "./lexical/terms.ts";
import {
  chunksOf,
  documentNumber,
  readChunks,
  readDocument,
  readPlaces,
  type StoredChunk,
} from "./store/chunk-table.ts";
import { knownIds } from "./store/document-table.ts";
import { allowedChunks } from "./store/filter.ts";
import type { IndexDatabase } from "./store/index-database.ts";
import { exportLines } from "./store/transfer.ts";
import {
  type ChangePlace,
  changesOf,
  countPending,
  embeddedChunks,
  exactScores,
  listSpaces,
  meanVector,
  oldestChunks,
  pendingChunks,
  type PendingChunk,
  spaceNumber,
  type StoredChanges,
} from "./store/vector-table.ts";
import { clozeQueries, type ClozeQuestion } from "./search/cloze.ts";
import { learnWeight } from "./search/learn-weight.ts";
import { type IndexVerification, verifyIndex } from "./store/verify.ts";

/** What is known of a space at one moment. */
export type SpaceState = {
  /** Number of the last change of the index, and of the last that was forgotten: who knows less begins again. */
  readonly sequence: number;
  readonly forgotten: number;
  readonly chunks: number;
  readonly vectors: number;
  /** The share of meaning that the corpus taught, if it did. */
  readonly weight?: number;
  /** Other steps of the same model whose vectors are there too, the latest first. */
  readonly older: readonly VectorSpace[];
};

/** What is asked of an index without changing it: plain functions over one connection. */
export function indexReads(opened: () => IndexDatabase) {
  let words: LexicalReader | undefined;
  const memory = new Map<string, unknown>();
  let state = "";

  const read = <T>(body: (database: IndexDatabase) => T): T => opened().read(() => body(opened()));
  /** The words, as of now; within a read. */
  const reader = (): LexicalReader => {
    words ??= new LexicalReader(opened());
    words.refresh();
    return words;
  };
  /** Computes something once for each state of the index. */
  const remembered = <T>(key: string, compute: () => T): T => {
    const now = `${opened().generation} ${opened().number("SELECT value AS n FROM meta WHERE name = 'sequence'")}`;
    if (now !== state || memory.size > 32) memory.clear();
    state = now;
    if (!memory.has(key)) memory.set(key, compute());
    return memory.get(key) as T;
  };
  const allowed = (filter: SearchFilter | undefined): Set<number> | undefined =>
    filter === undefined
      ? undefined
      : remembered(`filter ${JSON.stringify(filter)}`, () => allowedChunks(opened(), filter));

  const passagesOf = (database: IndexDatabase, document: string | undefined): Set<number> =>
    new Set(document === undefined ? [] : chunksOf(database, documentNumber(database, document) ?? -1));

  return {
    hashes(collection: string, ids: readonly string[]): (string | undefined)[] {
      return read((database) => {
        const find = database.sql("SELECT hash FROM documents WHERE collection = ? AND id = ?");
        return ids.map((id) => find.get(collection, id)?.["hash"] as string | undefined);
      });
    },

    /** Ids of a collection's documents, and of those that could not be stored. */
    knownIds(collection: string): string[] {
      return read((database) => knownIds(database, collection));
    },

    /** Whether a collection has no documents. */
    isEmpty(collection: string): boolean {
      return read(
        (database) =>
          database.number("SELECT EXISTS (SELECT 1 FROM documents WHERE collection = ?) AS n", collection) === 0,
      );
    },

    /** Which contents have a vector in a space; nothing where the space has none at all. */
    embeddedContents(space: VectorSpace, contents: readonly string[]): string[] | undefined {
      return read((database) => {
        const number = spaceNumber(database, space);
        if (number === undefined) return undefined;
        const find = database.sql(
          "SELECT 1 FROM chunks JOIN vectors ON vectors.chunk = chunks.id WHERE content = ? AND space = ? LIMIT 1",
        );
        return contents.filter((content) => find.get(Buffer.from(content, "hex"), number) !== undefined);
      });
    },

    countPending(space: VectorSpace): number {
      return read((database) => countPending(database, space));
    },

    pending(space: VectorSpace, after: number, limit: number): PendingChunk[] {
      return read((database) => pendingChunks(database, space, after, limit));
    },

    oldest(space: VectorSpace, limit: number): PendingChunk[] {
      return read((database) => oldestChunks(database, space, limit));
    },

    changes(space: VectorSpace, from: ChangePlace, since: number, limit: number): StoredChanges {
      return read((database) => changesOf(database, space, from, since, limit));
    },

    spaceState(space: VectorSpace): SpaceState {
      const compute = (database: IndexDatabase): SpaceState => {
        const number = spaceNumber(database, space) ?? -1;
        const spaces = listSpaces(database);
        const weight = database.sql("SELECT weight AS n FROM spaces WHERE number = ?").get(number)?.["n"] as
          | number
          | null;
        return {
          sequence: database.number("SELECT value AS n FROM meta WHERE name = 'sequence'"),
          forgotten: database.number("SELECT value AS n FROM meta WHERE name = 'forgotten'"),
          chunks: database.number("SELECT count(*) AS n FROM chunks"),
          vectors: spaces.find((each) => each.number === number)?.vectors ?? 0,
          ...(weight === null || weight === undefined ? {} : { weight }),
          older: spaces
            .filter(
              ({ id, dimensions, number: each, vectors }) =>
                id === space.id && dimensions === space.dimensions && each !== number && vectors > 0,
            )
            .map(({ id, step, dimensions }) => ({ id, dimensions, ...(step === undefined ? {} : { step }) }))
            .toReversed(),
        };
      };
      return read((database) => remembered(`space ${JSON.stringify(space)}`, () => compute(database)));
    },

    lexical(terms: readonly string[], limit: number, filter: SearchFilter | undefined, without?: string): ScoredKey[] {
      return read((database) => {
        const words = reader();
        const hidden = passagesOf(database, without);
        const found = words.search(terms, limit + hidden.size, allowed(filter));
        return found.filter(({ key }) => !hidden.has(key)).slice(0, limit);
      });
    },

    /** BM25 of passages, and what each word gives to it. */
    lexicalScores(terms: readonly string[], chunks: readonly number[]): TermScores[] {
      return read(() => {
        const words = reader();
        return words.scoresOf(terms, chunks);
      });
    },

    /** How many passages a filter lets through; nothing where it is no filter. */
    countAllowed(filter: SearchFilter | undefined): number | undefined {
      return read(() => allowed(filter)?.size);
    },

    /** Exact scores of those passages among some (default: all) that the filter lets through. */
    vectorScores(
      space: VectorSpace,
      query: Float32Array,
      chunks: readonly number[] | undefined,
      filter: SearchFilter | undefined,
      without?: string,
    ): ScoredKey[] {
      return read((database) => {
        const fitting = allowed(filter);
        const hidden = passagesOf(database, without);
        const some = [...(chunks ?? fitting ?? embeddedChunks(database, space))].filter(
          (key) => !hidden.has(key) && fitting?.has(key) !== false,
        );
        return exactScores(database, space, query, some);
      });
    },

    /** The share of meaning that questions teach which all passages of a space answer. */
    clozeWeight(space: VectorSpace, questions: readonly ClozeQuestion[]): number {
      return read((database) => learnWeight(clozeQueries(database, reader(), space, questions)));
    },

    chunks(chunks: readonly number[]): StoredChunk[] {
      return read((database) => readChunks(database, chunks));
    },

    places(wanted: readonly { collection: string; document: string; from: number; to: number }[]): StoredChunk[][] {
      return read((database) => wanted.map((each) => readPlaces(database, each)));
    },

    /** What a document is about: its telling words, and where it lies in a space. Nothing where it is not there. */
    likeness(
      pathOrId: string,
      space: VectorSpace | undefined,
    ): { readonly id: string; readonly terms: string[]; readonly vector?: Float32Array } | undefined {
      return read((database) => {
        const number = documentNumber(database, pathOrId);
        if (number === undefined) return undefined;
        const { id } = database.sql("SELECT id FROM documents WHERE number = ?").get(number) as { id: string };
        const chunks = chunksOf(database, number);
        const counts = new Map<string, number>();
        const count = (term: string, stop: boolean): void =>
          void (stop || counts.set(term, (counts.get(term) ?? 0) + 1));
        for (const { text } of readChunks(database, chunks)) eachTerm(text, count);
        const words = reader();
        const vector = space === undefined ? undefined : meanVector(database, space, chunks);
        return { id, terms: words.telling(counts, 25), ...(vector === undefined ? {} : { vector }) };
      });
    },

    document(pathOrId: string, collection?: string): IndexedDocument | undefined {
      return read((database) => readDocument(database, pathOrId, collection));
    },

    /** Passages spread evenly, for learning how much meaning is worth. */
    sample(limit: number): number[] {
      return read((database) => {
        const all = database.sql("SELECT id FROM chunks ORDER BY id").all();
        const step = Math.max(1, all.length / limit);
        return Array.from(
          { length: Math.min(limit, all.length) },
          (_, at) => all[Math.floor(at * step)]!["id"] as number,
        );
      });
    },

    status(): IndexStatus {
      return read((database) => {
        const { path } = database;
        const names = database.sql(
          "SELECT collection AS name, count(*) AS documents FROM documents GROUP BY collection",
        );
        const failures = database.sql("SELECT id, collection, message FROM failures ORDER BY collection, id").all();
        return {
          documents: database.number("SELECT count(*) AS n FROM documents"),
          chunks: database.number("SELECT count(*) AS n FROM chunks"),
          vectors: database.number("SELECT count(*) AS n FROM vectors"),
          spaces: listSpaces(database).map(({ number: _, ...space }) => space),
          collections: names.all().map((row) => ({ ...(row as { name: string; documents: number }) })),
          failures: failures.map((row) => ({ ...(row as IndexStatus["failures"][number]) })),
          bytes: ["", "-wal"].reduce((sum, end) => sum + sizeOf(path + end), 0),
        };
      });
    },

    verify(): IndexVerification {
      return read((database) => verifyIndex(database));
    },

    exported(after: number, limit: number): { readonly lines: readonly string[]; readonly next?: number } {
      return read((database) => exportLines(database, after, limit));
    },
  };
}

function sizeOf(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.size ?? 0;
}
