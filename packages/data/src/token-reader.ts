import { closeSync, fstatSync, openSync, readSync } from "node:fs";
import { damaged, headerBytes, parseShardHeader, type ShardLayout } from "./shard-format.ts";

/** A place in a split: the shard, and the token within it. */
export type ShardPlace = { readonly shard: number; readonly token: number };

type Shard = { readonly path: string; readonly begin: number; readonly tokens: number; readonly dataOffset: number };

/** File handles that are open at a time. */
const openFiles = 64;

/** Reads the tokens of a split by position, as if its shards were one sequence. */
export class TokenReader {
  /** Tokens of all shards. */
  readonly tokens: number;
  readonly bytesPerToken: 2 | 4;
  readonly #shards: readonly Shard[];
  readonly #files = new Map<number, number>();
  #scratch = new ArrayBuffer(0);

  /** @throws PipeError `shard-damaged` where a header, a version or a size is wrong. */
  constructor(paths: readonly string[], layout: ShardLayout = "llm.c") {
    const shards: Shard[] = [];
    let begin = 0;
    let width: 2 | 4 = 2;
    for (const path of paths) {
      const { tokens, bytesPerToken } = inspectShard(path, layout);
      if (shards.length > 0 && bytesPerToken !== width) {
        throw damaged(`${width} bytes a token as in the first shard`, `${bytesPerToken}`, path);
      }
      shards.push({ path, begin, tokens, dataOffset: layout === "llm.c" ? headerBytes : 0 });
      begin += tokens;
      width = bytesPerToken;
    }
    this.#shards = shards;
    this.tokens = begin;
    this.bytesPerToken = width;
  }

  /**
   * Tokens [begin, begin + count) of the split. The result is overwritten by the next call.
   * @throws PipeError `shard-damaged` where the file ends early.
   */
  read(begin: number, count: number): Uint16Array | Uint32Array {
    const width = this.bytesPerToken;
    if (this.#scratch.byteLength < count * width) this.#scratch = new ArrayBuffer(count * width);
    let done = 0;
    for (let index = this.#shardAt(begin); done < count; index++) {
      const shard = this.#shards[index]!;
      const first = begin + done - shard.begin;
      const part = Math.min(count - done, shard.tokens - first);
      const bytes = new Uint8Array(this.#scratch, done * width, part * width);
      const got = readSync(this.#file(index), bytes, 0, bytes.length, shard.dataOffset + first * width);
      if (got < bytes.length) throw damaged(`${bytes.length} bytes at token ${first}`, `${got} bytes`, shard.path);
      done += part;
    }
    return width === 2 ? new Uint16Array(this.#scratch, 0, count) : new Uint32Array(this.#scratch, 0, count);
  }

  /** Which shard holds a token of the split, and where. */
  locate(token: number): ShardPlace {
    const shard = this.#shardAt(token);
    return { shard, token: token - this.#shards[shard]!.begin };
  }

  /** The inverse of {@link locate}; nothing for a shard that is not there. */
  position({ shard, token }: ShardPlace): number | undefined {
    const begin = this.#shards[shard]?.begin;
    return begin === undefined ? undefined : begin + token;
  }

  /** Closes the files. */
  [Symbol.dispose](): void {
    for (const file of this.#files.values()) closeSync(file);
    this.#files.clear();
  }

  #shardAt(token: number): number {
    let low = 0;
    let high = this.#shards.length;
    while (high - low > 1) {
      const middle = (low + high) >>> 1;
      if (this.#shards[middle]!.begin <= token) low = middle;
      else high = middle;
    }
    return low;
  }

  #file(index: number): number {
    const open = this.#files.get(index);
    if (open !== undefined) return open;
    if (this.#files.size >= openFiles) {
      const [oldest, file] = this.#files.entries().next().value!;
      closeSync(file);
      this.#files.delete(oldest);
    }
    const file = openSync(this.#shards[index]!.path, "r");
    this.#files.set(index, file);
    return file;
  }
}

/**
 * Reads how many tokens a shard file holds and how wide they are, and checks its header against its size.
 * @throws PipeError `shard-damaged`.
 */
export function inspectShard(path: string, layout: ShardLayout = "llm.c"): { tokens: number; bytesPerToken: 2 | 4 } {
  const file = openSync(path, "r");
  try {
    const { size } = fstatSync(file);
    if (layout === "llm.c") {
      const header = new Uint8Array(headerBytes);
      const got = readSync(file, header, 0, headerBytes, 0);
      return parseShardHeader(header.subarray(0, got), size, path);
    }
    const bytesPerToken = layout === "headerless-uint16" ? 2 : 4;
    if (size % bytesPerToken !== 0) throw damaged(`a multiple of ${bytesPerToken} bytes`, `${size} bytes`, path);
    return { tokens: size / bytesPerToken, bytesPerToken };
  } finally {
    closeSync(file);
  }
}
