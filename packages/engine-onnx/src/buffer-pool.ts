/** Keeps freed buffers by size, so that a step's outputs land in the memory that the last step's inputs left. */
export class BufferPool {
  readonly #free = new Map<number, ArrayBuffer[]>();
  /** Bytes that wait to be used again. */
  bytes = 0;

  /** A buffer of this size; its contents are undefined. */
  take(byteLength: number): ArrayBuffer {
    const buffer = this.#free.get(byteLength)?.pop();
    if (buffer === undefined) return new ArrayBuffer(byteLength);
    this.bytes -= byteLength;
    return buffer;
  }

  /** Gives a buffer back. */
  give(buffer: ArrayBuffer): void {
    const waiting = this.#free.get(buffer.byteLength);
    if (waiting === undefined) this.#free.set(buffer.byteLength, [buffer]);
    else waiting.push(buffer);
    this.bytes += buffer.byteLength;
  }

  /** Lets go of all of them. */
  clear(): void {
    this.#free.clear();
    this.bytes = 0;
  }
}
