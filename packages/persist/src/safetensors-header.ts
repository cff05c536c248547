import { byteSizeOf, PipeError, sizeOf, type DType, type TensorSpec } from "@pipe/core";

/** Where one tensor lies in a safetensors file; `begin` and `end` count from the first byte after the header. */
export type StoredTensor = {
  /** The format's own name, such as `F32` or `BF16`. */
  readonly dtype: string;
  readonly shape: readonly number[];
  readonly begin: number;
  readonly end: number;
};

/** What the header of a safetensors file says. */
export type SafetensorsHeader = {
  readonly tensors: ReadonlyMap<string, StoredTensor>;
  readonly metadata: { readonly [key: string]: string };
};

/** A tensor that is going to be written. */
export type NamedSpec = { readonly name: string; readonly spec: TensorSpec };

// The format's reference implementation refuses larger headers too.
export const MAX_HEADER = 100_000_000;

const WRITTEN: { readonly [K in DType]: string } = { float32: "F32", int32: "I32", bool: "BOOL" };

const ELEMENT_BYTES: ReadonlyMap<string, number> = new Map([
  ...["BOOL", "U8", "I8", "F8_E5M2", "F8_E4M3", "F8_E8M0"].map((dtype) => [dtype, 1] as const),
  ...["I16", "U16", "F16", "BF16"].map((dtype) => [dtype, 2] as const),
  ...["I32", "U32", "F32"].map((dtype) => [dtype, 4] as const),
  ...["I64", "U64", "F64", "C64"].map((dtype) => [dtype, 8] as const),
]);

/** The first bytes of a safetensors file whose tensors follow in the given order; padded so that data starts at a multiple of 8. */
export function encodeHeader(
  tensors: readonly NamedSpec[],
  metadata: { readonly [key: string]: string } = {},
): Uint8Array {
  const entries: [string, unknown][] = [];
  if (Object.keys(metadata).length > 0) entries.push(["__metadata__", metadata]);
  const names = new Set(["__metadata__"]);
  let begin = 0;
  for (const { name, spec } of tensors) {
    if (names.has(name)) throw new PipeError("tensor-duplicate", "Two tensors have one name.", { got: name });
    names.add(name);
    const end = begin + byteSizeOf(spec);
    entries.push([name, { dtype: WRITTEN[spec.dtype], shape: spec.shape, data_offsets: [begin, end] }]);
    begin = end;
  }
  const text = Buffer.from(
    `{${entries.map(([key, value]) => `${JSON.stringify(key)}:${JSON.stringify(value)}`).join()}}`,
  );
  const header = Buffer.alloc(8 + Math.ceil(text.length / 8) * 8, " ");
  header.writeBigUInt64LE(BigInt(header.length - 8));
  text.copy(header, 8);
  return header;
}

/**
 * Reads and checks the JSON of a header.
 *
 * @param dataBytes the number of bytes after the header.
 * @throws PipeError `safetensors-damaged` unless tensors of known types fill the data without gap or overlap.
 */
export function decodeHeader(json: string, dataBytes: number, path: string): SafetensorsHeader {
  const entries = recordOf(parse(json, path), "a JSON object", path);
  const metadata: { [key: string]: string } = {};
  const tensors: [string, StoredTensor][] = [];
  for (const [name, entry] of Object.entries(entries)) {
    if (name === "__metadata__") {
      for (const [key, value] of Object.entries(recordOf(entry, "an object of strings", `${path}: ${name}`))) {
        if (typeof value !== "string") throw damaged("a string", JSON.stringify(value), `${path}: ${name}.${key}`);
        metadata[key] = value;
      }
    } else tensors.push([name, storedTensor(entry, `${path}: ${name}`)]);
  }
  let end = 0;
  for (const [name, tensor] of tensors.sort(([, a], [, b]) => a.begin - b.begin || a.end - b.end)) {
    if (tensor.begin !== end) throw damaged(`data that begins at ${end}`, `${tensor.begin}`, `${path}: ${name}`);
    end = tensor.end;
  }
  if (end !== dataBytes) throw damaged(`${end} bytes of tensors, as the header says`, `${dataBytes} bytes`, path);
  return { tensors: new Map(tensors), metadata };
}

/** The error for a file that is not what the safetensors format allows. */
export function damaged(expected: string, got: string, where: string, cause?: unknown): PipeError {
  return new PipeError("safetensors-damaged", "A safetensors file is damaged or is no such file.", {
    expected,
    got,
    where,
    fix: "get the file again from where it came",
    cause,
  });
}

function storedTensor(entry: unknown, where: string): StoredTensor {
  const {
    dtype,
    shape,
    data_offsets: offsets,
  } = recordOf(entry, "an object with dtype, shape and data_offsets", where);
  const elementBytes = typeof dtype === "string" ? ELEMENT_BYTES.get(dtype) : undefined;
  if (elementBytes === undefined) throw damaged([...ELEMENT_BYTES.keys()].join(", "), `dtype ${show(dtype)}`, where);
  if (!isSizes(shape)) throw damaged("a shape of integers from 0", show(shape), where);
  if (!isSizes(offsets) || offsets.length !== 2) throw damaged("two offsets", show(offsets), where);
  const [begin, end] = offsets as [number, number];
  const bytes = sizeOf(shape) * elementBytes;
  if (end - begin !== bytes)
    throw damaged(`${bytes} bytes for ${String(dtype)} [${shape.join(", ")}]`, `${end - begin}`, where);
  return { dtype: dtype as string, shape, begin, end };
}

function parse(json: string, path: string): unknown {
  try {
    return JSON.parse(json);
  } catch (error) {
    throw damaged("a header in JSON", show(json.slice(0, 40)), path, error);
  }
}

function recordOf(value: unknown, expected: string, where: string): { readonly [key: string]: unknown } {
  if (value === null || typeof value !== "object" || Array.isArray(value)) throw damaged(expected, show(value), where);
  return value as { readonly [key: string]: unknown };
}

function isSizes(value: unknown): value is number[] {
  return Array.isArray(value) && value.every((item) => Number.isSafeInteger(item) && (item as number) >= 0);
}

function show(value: unknown): string {
  return JSON.stringify(value) ?? "nothing";
}
