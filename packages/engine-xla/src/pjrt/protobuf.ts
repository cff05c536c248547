/** A field of a protobuf message, already as bytes. */
export type ProtoField = readonly number[];

function varint(value: number | bigint): number[] {
  const bytes: number[] = [];
  let rest = BigInt.asUintN(64, BigInt(value));
  for (; rest > 127n; rest >>= 7n) bytes.push(Number(rest & 127n) | 128);
  return [...bytes, Number(rest)];
}

/** An integer or a bool; -1 takes ten bytes, as protobuf has it. */
export function protoInteger(field: number, value: number | bigint | boolean): ProtoField {
  return [...varint(field << 3), ...varint(BigInt(value))];
}

/** A double. */
export function protoDouble(field: number, value: number): ProtoField {
  return [...varint((field << 3) | 1), ...new Uint8Array(Float64Array.of(value).buffer)];
}

/** A string. */
export function protoString(field: number, value: string): ProtoField {
  const bytes = new TextEncoder().encode(value);
  return [...varint((field << 3) | 2), ...varint(bytes.length), ...bytes];
}

/** A message inside a message. */
export function protoMessage(field: number, ...parts: readonly ProtoField[]): ProtoField {
  const bytes = parts.flat();
  return [...varint((field << 3) | 2), ...varint(bytes.length), ...bytes];
}
