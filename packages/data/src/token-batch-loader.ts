import {
  type Batch,
  type Cursor,
  type DocumentRef,
  type IBatchLoader,
  type ITokenizer,
  PipeError,
  type TensorSpec,
} from "@pipe/core";
import type { DocumentTable } from "./document-table.ts";
import type { TokenReader } from "./token-reader.ts";
import { WindowOrder, type WindowOrderOptions } from "./window-order.ts";

/** Where a loader goes on: the number of the next sample since the beginning, and the epochs finished before it. */
export type LoaderCursor = { readonly sample: number; readonly epoch: number };

/** What a loader is made of. */
export type TokenBatchLoaderParts = {
  readonly reader: TokenReader;
  /** Absent for shards that were made elsewhere. */
  readonly table: DocumentTable | undefined;
  readonly tokenizer: () => Promise<ITokenizer>;
  readonly batch: number;
  readonly order: WindowOrderOptions;
};

type Window = { readonly begin: number; readonly end: number };

/** Cuts windows out of a split's tokens; made by `DataLoaderFactory`. */
export class TokenBatchLoader implements IBatchLoader {
  readonly specs: { readonly ids: TensorSpec; readonly targets: TensorSpec; readonly weights: TensorSpec };
  /** Windows of one epoch. */
  readonly windows: number;
  readonly #parts: TokenBatchLoaderParts;
  #disposed = false;

  constructor(parts: TokenBatchLoaderParts) {
    const shape = [parts.batch, parts.order.length];
    this.specs = {
      ids: { shape, dtype: "int32" },
      targets: { shape, dtype: "int32" },
      weights: { shape, dtype: "float32" },
    };
    this.#parts = parts;
    this.windows = new WindowOrder(parts.order).windows;
  }

  /**
   * Yields batches from a sample on. Windows are read by position, synchronously: a read is a few microseconds from the
   * page cache.
   * @throws PipeError `cursor-invalid`, `loader-disposed`, `shard-damaged`.
   */
  // oxlint-disable-next-line typescript/require-await -- the contract is asynchronous
  async *batches(from?: Cursor): AsyncGenerator<Batch> {
    const { batch, order: options } = this.#parts;
    const order = new WindowOrder(options);
    let sample = from === undefined ? 0 : sampleOf(from);
    const end = options.repeat ? Infinity : order.windows;
    while (sample < end) {
      this.#check();
      const count = Math.min(batch, end - sample);
      const next = sample + count;
      yield this.#batch(order, sample, count, { sample: next, epoch: order.epochOf(next) });
      sample = next;
    }
  }

  /**
   * Reads a document's tokens back as text; of one that the split cut in two, the part in this split.
   * @throws PipeError `document-unknown`, `loader-disposed`.
   */
  async text({ shard, begin, end }: DocumentRef): Promise<string> {
    this.#check();
    const { reader, tokenizer } = this.#parts;
    const first = reader.position({ shard, token: begin });
    if (first === undefined || !(begin >= 0 && end >= begin && first + end - begin <= reader.tokens)) {
      throw new PipeError("document-unknown", "A document's tokens are not in this split.", {
        expected: `a place within ${reader.tokens} tokens`,
        got: JSON.stringify({ shard, begin, end }),
        fix: "pass a reference that a batch of the same split gave",
      });
    }
    const decoder = await tokenizer();
    return decoder.decode(reader.read(first, end - begin));
  }

  /** Closes the files. */
  // oxlint-disable-next-line typescript/require-await -- the contract is asynchronous
  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#disposed) return;
    this.#disposed = true;
    this.#parts.reader[Symbol.dispose]();
    this.#parts.table?.[Symbol.dispose]();
  }

  #batch(order: WindowOrder, sample: number, count: number, cursor: LoaderCursor): Batch {
    const { reader, batch, order: options } = this.#parts;
    const { length } = options;
    const ids = new Int32Array(batch * length);
    const targets = new Int32Array(batch * length);
    const weights = new Float32Array(batch * length);
    const windows: Window[] = [];
    let tokens = 0;
    for (let row = 0; row < count; row++) {
      const { begin, counted } = order.at(sample + row);
      const end = Math.min(begin + length + 1, reader.tokens);
      const window = reader.read(begin, end - begin);
      const size = window.length - 1;
      const at = row * length;
      ids.set(window.subarray(0, size), at);
      targets.set(window.subarray(1), at);
      weights.fill(1, at + counted, at + size);
      tokens += size - counted;
      windows.push({ begin, end });
    }
    let documents: readonly DocumentRef[] | undefined;
    const find = (): readonly DocumentRef[] => (documents ??= this.#documents(windows));
    return {
      arrays: { ids, targets, weights },
      tokens,
      cursor,
      epoch: cursor.epoch,
      // Looked up when somebody asks: most steps do not need it.
      get documents() {
        return find();
      },
    };
  }

  #documents(windows: readonly Window[]): DocumentRef[] {
    const { table, reader } = this.#parts;
    if (table === undefined) return [];
    this.#check();
    const touched = new Set<number>();
    for (const { begin, end } of windows) {
      const last = table.find(end - 1);
      for (let index = table.find(begin); index <= last; index++) touched.add(index);
    }
    return Array.from(touched, (index) => {
      const { id, begin, end } = table.at(index);
      const { shard, token } = reader.locate(begin);
      return { id, shard, begin: token, end: token + end - begin };
    });
  }

  #check(): void {
    if (this.#disposed) throw new PipeError("loader-disposed", "The batch loader was disposed; its files are closed.");
  }
}

function sampleOf(from: Cursor): number {
  const sample = (from as Partial<LoaderCursor> | null)?.sample;
  if (Number.isSafeInteger(sample) && sample! >= 0) return sample!;
  throw new PipeError("cursor-invalid", "This is not a position of a batch loader.", {
    expected: '{ "sample": number }',
    got: JSON.stringify(from),
    fix: "pass the cursor of a batch",
  });
}
