import { closeSync, fsyncSync, openSync, writeSync } from "node:fs";
import { join } from "node:path";
import { headerBytes, shardHeader } from "./shard-format.ts";

/** One shard file and what it holds. */
export type ShardInfo = { readonly file: string; readonly tokens: number };

/** Tokens that wait in memory. */
const bufferTokens = 1 << 18;

/** Writes tokens into numbered shards of llm.c's layout: `<name>_000000.bin`, `<name>_000001.bin`, … */
export class ShardWriter {
  readonly shards: ShardInfo[] = [];
  readonly #folder: string;
  readonly #name: string;
  readonly #bytesPerToken: 2 | 4;
  readonly #shardTokens: number;
  readonly #buffer: Uint16Array | Uint32Array;
  #buffered = 0;
  #inShard = 0;
  #file: number | undefined;

  constructor(folder: string, name: string, bytesPerToken: 2 | 4, shardTokens: number) {
    this.#folder = folder;
    this.#name = name;
    this.#bytesPerToken = bytesPerToken;
    this.#shardTokens = shardTokens;
    this.#buffer = bytesPerToken === 2 ? new Uint16Array(bufferTokens) : new Uint32Array(bufferTokens);
  }

  /** Appends tokens; a shard that is full is finished and the next one begun. */
  write(ids: Uint32Array): void {
    for (let at = 0; at < ids.length;) {
      const room = Math.min(bufferTokens - this.#buffered, this.#shardTokens - this.#inShard);
      const part = ids.subarray(at, at + room);
      this.#buffer.set(part, this.#buffered);
      at += part.length;
      this.#buffered += part.length;
      this.#inShard += part.length;
      if (this.#buffered === bufferTokens) this.#flush();
      if (this.#inShard === this.#shardTokens) this.#finish();
    }
  }

  /** Finishes the last shard: everything is on the disk afterwards. */
  end(): void {
    if (this.#inShard > 0) this.#finish();
  }

  /** Closes the file without finishing it; does nothing after {@link end}. */
  abandon(): void {
    if (this.#file !== undefined) closeSync(this.#file);
    this.#file = undefined;
  }

  #flush(): void {
    if (this.#file === undefined) {
      this.#file = openSync(join(this.#folder, this.#fileName()), "wx");
      writeAll(this.#file, new Uint8Array(headerBytes), null);
    }
    writeAll(this.#file, new Uint8Array(this.#buffer.buffer, 0, this.#buffered * this.#bytesPerToken), null);
    this.#buffered = 0;
  }

  #finish(): void {
    this.#flush();
    const file = this.#file!;
    writeAll(file, shardHeader(this.#bytesPerToken, this.#inShard), 0);
    fsyncSync(file);
    this.abandon();
    this.shards.push({ file: this.#fileName(), tokens: this.#inShard });
    this.#inShard = 0;
  }

  #fileName(): string {
    return `${this.#name}_${String(this.shards.length).padStart(6, "0")}.bin`;
  }
}

/** Writes all bytes, at a position or at the end. */
function writeAll(file: number, bytes: Uint8Array, position: number | null): void {
  for (let at = 0; at < bytes.length;) {
    at += writeSync(file, bytes, at, bytes.length - at, position === null ? null : position + at);
  }
}
