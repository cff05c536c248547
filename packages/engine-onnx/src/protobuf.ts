/** Writes protocol buffer messages: varints, fixed floats, bytes and nested messages. */
export class ProtobufWriter {
  #bytes = new Uint8Array(256);
  #length = 0;

  /** The bytes written so far. */
  finish(): Uint8Array<ArrayBuffer> {
    return this.#bytes.slice(0, this.#length);
  }

  /** An integer field (wire type 0); negative numbers take ten bytes, as the format wants. */
  int(field: number, value: number): this {
    this.#varint(field << 3);
    return this.#varint(value);
  }

  /** A float field (wire type 5). */
  float(field: number, value: number): this {
    this.#varint((field << 3) | 5);
    this.#reserve(4);
    new DataView(this.#bytes.buffer).setFloat32(this.#length, value, true);
    this.#length += 4;
    return this;
  }

  /** The beginning of a field of so many bytes (wire type 2), which are written after it. */
  prefix(field: number, length: number): this {
    this.#varint((field << 3) | 2);
    return this.#varint(length);
  }

  /** A bytes field. */
  bytes(field: number, value: Uint8Array): this {
    this.prefix(field, value.length);
    this.#reserve(value.length);
    this.#bytes.set(value, this.#length);
    this.#length += value.length;
    return this;
  }

  /** A string field. */
  string(field: number, value: string): this {
    return this.bytes(field, new TextEncoder().encode(value));
  }

  /** A message field. */
  message(field: number, write: (writer: ProtobufWriter) => void): this {
    const writer = new ProtobufWriter();
    write(writer);
    return this.bytes(field, writer.#bytes.subarray(0, writer.#length));
  }

  #varint(value: number): this {
    this.#reserve(10);
    let rest = BigInt.asUintN(64, BigInt(value));
    while (rest > 127n) {
      this.#bytes[this.#length++] = Number(rest & 127n) | 128;
      rest >>= 7n;
    }
    this.#bytes[this.#length++] = Number(rest);
    return this;
  }

  #reserve(count: number): void {
    if (this.#length + count <= this.#bytes.length) return;
    const grown = new Uint8Array(Math.max(this.#bytes.length * 2, this.#length + count));
    grown.set(this.#bytes.subarray(0, this.#length));
    this.#bytes = grown;
  }
}
