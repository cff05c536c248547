import { closeSync, fstatSync, fsyncSync, openSync, readSync, writeSync } from "node:fs";
import { join } from "node:path";
import { damaged } from "./shard-format.ts";

/** A document's place: its tokens [begin, end) of the split. */
export type DocumentEntry = { readonly id: string; readonly begin: number; readonly end: number };

/** Two float64: first token of the document, first byte of its id. One more row at the end closes the last document. */
const rowBytes = 16;
/** One row in so many is held in memory by the reader. */
const blockRows = 64;

const fileNames = (split: string): { rows: string; ids: string } => ({
  rows: `${split}_documents.bin`,
  ids: `${split}_ids.txt`,
});

/** Writes where the documents of a split begin, and their ids. */
export class DocumentTableWriter {
  count = 0;
  readonly #rows: number;
  readonly #ids: number;
  readonly #pending = new Float64Array(1 << 13);
  #pendingNumbers = 0;
  #pendingIds: string[] = [];
  #idBytes = 0;

  constructor(folder: string, split: string) {
    const names = fileNames(split);
    this.#rows = openSync(join(folder, names.rows), "wx");
    this.#ids = openSync(join(folder, names.ids), "wx");
  }

  /** Adds a document that begins at a token of the split. */
  add(id: string, begin: number): void {
    this.#row(begin);
    this.#pendingIds.push(id);
    this.#idBytes += Buffer.byteLength(id);
    this.count++;
  }

  /** Ends the last document at the split's number of tokens; everything is on the disk afterwards. */
  end(tokens: number): void {
    this.#row(tokens);
    this.#flush();
    fsyncSync(this.#rows);
    fsyncSync(this.#ids);
  }

  /** Closes the files. */
  [Symbol.dispose](): void {
    closeSync(this.#rows);
    closeSync(this.#ids);
  }

  #row(begin: number): void {
    if (this.#pendingNumbers === this.#pending.length) this.#flush();
    this.#pending[this.#pendingNumbers++] = begin;
    this.#pending[this.#pendingNumbers++] = this.#idBytes;
  }

  #flush(): void {
    writeSync(this.#rows, new Uint8Array(this.#pending.buffer, 0, this.#pendingNumbers * 8));
    writeSync(this.#ids, this.#pendingIds.join(""));
    this.#pendingNumbers = 0;
    this.#pendingIds = [];
  }
}

/** Finds the documents of a split; holds one row in 64 in memory and reads the others by position. */
export class DocumentTable {
  readonly count: number;
  readonly #rows: number;
  readonly #ids: number;
  readonly #coarse: Float64Array;

  /** @throws PipeError `shard-damaged` where the table does not fit the number of documents. */
  constructor(folder: string, split: string, count: number) {
    const names = fileNames(split);
    this.count = count;
    this.#rows = openSync(join(folder, names.rows), "r");
    this.#ids = openSync(join(folder, names.ids), "r");
    const [expected, got] = [(count + 1) * rowBytes, fstatSync(this.#rows).size];
    if (got !== expected) {
      this[Symbol.dispose]();
      throw damaged(`${expected} bytes for ${count} documents`, `${got} bytes`, join(folder, names.rows));
    }
    this.#coarse = new Float64Array(Math.ceil(count / blockRows));
    for (let block = 0; block < this.#coarse.length; block++)
      this.#coarse[block] = this.#read(block * blockRows, 1)[0]!;
  }

  /** The number of the document that holds a token of the split. */
  find(token: number): number {
    const block = lastNotAbove(this.#coarse, token, 1, this.#coarse.length);
    const rows = this.#read(block * blockRows, Math.min(blockRows, this.count - block * blockRows));
    return block * blockRows + lastNotAbove(rows, token, 2, rows.length / 2);
  }

  /** One document by its number. */
  at(index: number): DocumentEntry {
    const [begin, idBegin, end, idEnd] = this.#read(index, 2) as unknown as [number, number, number, number];
    const id = Buffer.alloc(idEnd - idBegin);
    readSync(this.#ids, id, 0, id.length, idBegin);
    return { id: id.toString("utf8"), begin, end };
  }

  /** Closes the files. */
  [Symbol.dispose](): void {
    closeSync(this.#rows);
    closeSync(this.#ids);
  }

  #read(row: number, count: number): Float64Array {
    const numbers = new Float64Array(count * 2);
    readSync(this.#rows, numbers, 0, numbers.byteLength, row * rowBytes);
    return numbers;
  }
}

/** The last of `count` rising numbers, `step` apart, that is not above a value. */
function lastNotAbove(numbers: Float64Array, value: number, step: number, count: number): number {
  let low = 0;
  let high = count;
  while (high - low > 1) {
    const middle = (low + high) >>> 1;
    if (numbers[middle * step]! <= value) low = middle;
    else high = middle;
  }
  return low;
}
