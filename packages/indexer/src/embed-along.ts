import type { IEmbedder, VectorSpace } from "@pipe/core";
import type { ProcessedDocument } from "./document-processor.ts";
import { embedChecked } from "./embed-missing.ts";
import type { IndexWrite } from "./index-manager.ts";
import type { NewVectors } from "./index-writes.ts";
import { embeddedText } from "./store/vector-table.ts";

const embedAtOnce = 32;
/** Milliseconds that a transaction waits for vectors of documents that nobody misses. */
const longestWait = 1_000;

/** A document to be stored, and whether it takes the place of an older version. */
export type Ready = { readonly document: ProcessedDocument; readonly replaces: boolean };

/** A passage that may need a vector. */
type Passage = {
  /** The place of its document among those that are stored together. */
  readonly at: number;
  readonly replaces: boolean;
  readonly place: number;
  readonly text: string;
  readonly content: string;
};

/** Hears before some passages are embedded how many wait for it, and after it how many have a vector now. */
type AlongProgress = { pending(count: number): void; embedded(count: number): void };

/** Makes vectors of documents that are about to be stored, so that they are stored together. */
export class EmbedAlong {
  readonly #write: IndexWrite;
  readonly #embedder: IEmbedder;
  readonly #signal: AbortSignal | undefined;
  readonly #progress: AlongProgress;
  /** Contents that got a vector here, in a space that had none before. */
  readonly #embedded = new Map<string, Set<string>>();
  /** Whether the embedder keeps up with the parser. */
  #isQuick = true;

  constructor(write: IndexWrite, embedder: IEmbedder, signal: AbortSignal | undefined, progress: AlongProgress) {
    this.#write = write;
    this.#embedder = embedder;
    this.#signal = signal;
    this.#progress = progress;
  }

  /**
   * A changed document is replaced together with its vectors: until they are there, its older version is found. New ones are
   * stored with theirs as long as the embedder is quick. Those whose embedding fails are stored without, and are embedded with
   * all others later.
   */
  async vectorsOf(waiting: readonly Ready[]): Promise<NewVectors> {
    const { space } = this.#embedder;
    const passages = waiting.flatMap(passagesOf);
    const changed = passages.filter(({ replaces }) => replaces);
    const fresh = this.#isQuick ? passages.filter(({ replaces }) => !replaces) : [];
    const all = [...changed, ...fresh];
    const { known, isNew } = await this.#knownOf(space, all);
    const missing = all.filter(({ content }) => !known.has(content));
    // Nobody finds an older version by a model that has embedded nothing before.
    const owed = isNew ? 0 : changed.filter(({ content }) => !known.has(content)).length;
    const rows: NewVectors["rows"][number][] = [];
    const begin = performance.now();
    for (let done = 0; done < missing.length; done += embedAtOnce) {
      if (done >= owed) this.#isQuick &&= performance.now() - begin < longestWait;
      if ((done >= owed && !this.#isQuick) || this.#signal?.aborted === true) break;
      this.#progress.pending(missing.length - done);
      const some = missing.slice(done, done + embedAtOnce);
      const texts = some.map(({ text }) => text);
      const vectors = await embedChecked(this.#embedder, texts, this.#signal).catch(() => []);
      for (const [i, vector] of vectors.entries()) {
        const { at, place, content } = some[i]!;
        rows.push({ at, place, vector });
        if (isNew) known.add(content);
      }
      this.#progress.embedded(vectors.length);
    }
    return { space, rows: inOnePiece(rows) };
  }

  /**
   * Contents that have a vector in a space, of those of some passages at least. The index is asked only where the space had
   * vectors before: its answer waits for what is being stored.
   */
  async #knownOf(space: VectorSpace, passages: readonly Passage[]): Promise<{ known: Set<string>; isNew: boolean }> {
    const key = JSON.stringify(space);
    const own = this.#embedded.get(key);
    if (own !== undefined) return { known: own, isNew: true };
    const stored = await this.#write("embeddedContents", space, [...new Set(passages.map(({ content }) => content))]);
    if (stored !== undefined) return { known: new Set(stored), isNew: false };
    const known = new Set<string>();
    this.#embedded.set(key, known);
    return { known, isNew: true };
  }
}

function passagesOf({ document, replaces }: Ready, at: number): Passage[] {
  return document.chunks.map(({ context, text, content }, place) => ({
    at,
    replaces,
    place,
    text: embeddedText(context, text),
    content,
  }));
}

/** The same with all vectors in one piece of memory, which goes to another thread as one. */
function inOnePiece(rows: NewVectors["rows"]): NewVectors["rows"] {
  const size = rows[0]?.vector.length ?? 0;
  const all = new Float32Array(rows.length * size);
  return rows.map((row, at) => {
    const vector = all.subarray(at * size, (at + 1) * size);
    vector.set(row.vector);
    return { ...row, vector };
  });
}
