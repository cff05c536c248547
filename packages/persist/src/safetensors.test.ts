import { readFile, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { bytesOf, hostTensor, PipeError, type HostTensor } from "@pipe/core";
import fc from "fast-check";
import { expect, it } from "vitest";
import { encodeHeader } from "./safetensors-header.ts";
import { openSafetensors } from "./safetensors-reader.ts";
import { writeSafetensors } from "./safetensors-writer.ts";
import { temporaryFolders } from "./temporary-folder.test.fixture.ts";

const newFolder = temporaryFolders();

async function* content(tensors: readonly (readonly [string, HostTensor])[]) {
  for (const [name, { data }] of tensors) yield { name, bytes: bytesOf(data) };
}

async function write(path: string, tensors: readonly (readonly [string, HostTensor])[], metadata = {}) {
  const specs = tensors.map(([name, { spec }]) => ({ name, spec }));
  return writeSafetensors(path, specs, content(tensors), { metadata });
}

/** A file with this header (text) and this many bytes of data, or exactly these. */
async function foreign(header: unknown, data: number | Uint8Array = 0): Promise<string> {
  const path = join(await newFolder(), "foreign.safetensors");
  const text = Buffer.from(typeof header === "string" ? header : JSON.stringify(header));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(text.length));
  await writeFile(path, Buffer.concat([length, text, typeof data === "number" ? Buffer.alloc(data) : data]));
  return path;
}

async function readAll(path: string): Promise<[string, HostTensor][]> {
  const file = await openSafetensors(path);
  try {
    const tensors: [string, HostTensor][] = [];
    for (const name of file.tensors.keys()) tensors.push([name, await file.read(name)]);
    return tensors;
  } finally {
    await file[Symbol.asyncDispose]();
  }
}

it("writes the bytes that the format prescribes", async () => {
  const path = join(await newFolder(), "a.safetensors");
  const digest = await write(path, [["a", hostTensor([1], Float32Array.of(1))]], { format: "pt" });
  const bytes = await readFile(path);
  const header = '{"__metadata__":{"format":"pt"},"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}';
  const padded = Math.ceil(header.length / 8) * 8;
  expect(Number(bytes.readBigUInt64LE())).toBe(padded);
  expect(bytes.toString("utf8", 8, 8 + padded)).toBe(header.padEnd(padded));
  expect([...bytes.subarray(8 + padded)]).toEqual([0, 0, 0x80, 0x3f]);
  expect(digest).toEqual({ size: bytes.length, sha256: expect.stringMatching(/^[0-9a-f]{64}$/) as string });
});

it("reads back what it wrote, for any tensors", async () => {
  const path = join(await newFolder(), "law.safetensors");
  const tensor = fc.oneof(
    fc.float32Array({ maxLength: 20 }).map((data) => hostTensor([data.length], data)),
    fc.int32Array({ minLength: 6, maxLength: 6 }).map((data) => hostTensor([2, 3], data)),
    fc.uint8Array({ minLength: 1, maxLength: 1, max: 1 }).map((data) => hostTensor([], data)),
  );
  const names = fc.string({ unit: "grapheme" }).filter((name) => name !== "__metadata__");
  let turn = 0;
  await fc.assert(
    fc.asyncProperty(fc.uniqueArray(fc.tuple(names, tensor), { selector: ([name]) => name }), async (tensors) => {
      const file = `${path}.${turn++}`;
      await write(file, tensors);
      const read = new Map(await readAll(file));
      expect(read).toEqual(new Map(tensors));
    }),
    { numRuns: 60 },
  );
});

it("streams tensors that are longer than one piece", async () => {
  const path = join(await newFolder(), "long.safetensors");
  const data = Int32Array.from({ length: 2_500_000 }, (_, i) => i);
  const { size } = await write(path, [["a", hostTensor([data.length], data)]]);
  expect((await stat(path)).size).toBe(size);
  expect((await readAll(path))[0]![1].data).toEqual(data);
});

it("reads half-precision floats and 64-bit integers of other programs", async () => {
  const float16 = Uint16Array.of(0x3c00, 0xc000, 0x0001, 0x8000, 0x7c00, 0xfc00, 0x7e00, 0x3555);
  const bfloat16 = Uint16Array.of(0x3f80, 0xc040);
  const int64 = BigInt64Array.of(-5n, 2147483647n);
  const data = Buffer.concat([float16, bfloat16, int64].map((array) => Buffer.from(array.buffer)));
  const path = await foreign(
    {
      half: { dtype: "F16", shape: [8], data_offsets: [0, 16] },
      brain: { dtype: "BF16", shape: [2], data_offsets: [16, 20] },
      wide: { dtype: "I64", shape: [2], data_offsets: [20, 36] },
    },
    data,
  );
  const tensors = Object.fromEntries(await readAll(path));
  expect([...tensors["half"]!.data]).toEqual([1, -2, 2 ** -24, -0, Infinity, -Infinity, NaN, 0.333251953125]);
  expect(tensors["brain"]).toEqual(hostTensor([2], Float32Array.of(1, -3)));
  expect(tensors["wide"]).toEqual(hostTensor([2], Int32Array.of(-5, 2147483647)));
});

it("refuses values and types that it cannot give exactly", async () => {
  const wide = { dtype: "I64", shape: [1], data_offsets: [0, 8] };
  const file = await openSafetensors(await foreign({ wide }, Buffer.from(BigInt64Array.of(1n << 31n).buffer)));
  await expect(file.read("wide")).rejects.toMatchObject({ code: "safetensors-damaged" });
  await expect(file.read("other")).rejects.toMatchObject({ code: "tensor-missing" });
  await file[Symbol.asyncDispose]();
  await expect(readAll(await foreign({ a: { ...wide, dtype: "F64" } }, 8))).rejects.toMatchObject({
    code: "dtype-unsupported",
  });
});

const sound = { dtype: "F32", shape: [2], data_offsets: [0, 8] };

it.each([
  ["no JSON", "{a", 0],
  ["no object", "[1]", 0],
  ["a tensor that is no object", { a: 1 }, 0],
  ["metadata that are no strings", { __metadata__: { a: 1 } }, 0],
  ["metadata that are no object", { __metadata__: [] }, 0],
  ["an unknown type", { a: { ...sound, dtype: "F31" } }, 8],
  ["a missing type", { a: { shape: [2], data_offsets: [0, 8] } }, 8],
  ["a negative size", { a: { ...sound, shape: [-2] } }, 8],
  ["a fractional size", { a: { ...sound, shape: [0.5] } }, 8],
  ["one offset", { a: { ...sound, data_offsets: [0] } }, 8],
  ["offsets of another length", { a: { ...sound, data_offsets: [0, 12] } }, 12],
  ["offsets out of the file", { a: sound }, 4],
  ["bytes left over", { a: sound }, 12],
  ["a gap", { a: sound, b: { ...sound, data_offsets: [12, 20] } }, 20],
  ["an overlap", { a: sound, b: { ...sound, data_offsets: [4, 12] } }, 12],
])("refuses a file with %s", async (_, header, data) => {
  await expect(openSafetensors(await foreign(header, data))).rejects.toMatchObject({ code: "safetensors-damaged" });
});

it("refuses headers that do not fit their file, without reading them", async () => {
  const path = join(await newFolder(), "bad.safetensors");
  for (const bytes of [[], [1, 2, 3], [255, 255, 255, 255, 255, 255, 255, 255, 123], [0, 0, 0, 0, 0, 0, 0, 0]]) {
    await writeFile(path, Uint8Array.from(bytes));
    const error: unknown = await openSafetensors(path).catch((thrown: unknown) => thrown);
    expect(PipeError.is(error, "safetensors-damaged")).toBe(true);
    expect(String(error)).toContain(path);
  }
});

it("reads empty files of no tensors and zero-sized tensors", async () => {
  expect(await readAll(await foreign({}))).toEqual([]);
  const empty = { dtype: "F32", shape: [0, 3], data_offsets: [0, 0] };
  expect(await readAll(await foreign({ empty }))).toEqual([["empty", hostTensor([0, 3], new Float32Array(0))]]);
});

it("refuses content that does not follow its specs", async () => {
  const folder = await newFolder();
  const one = hostTensor([1], Float32Array.of(1));
  const specs = ["a", "b"].map((name) => ({ name, spec: one.spec }));
  const cases = [
    [["a", one]],
    [
      ["b", one],
      ["a", one],
    ],
    [["a", hostTensor([2], new Float32Array(2))]],
    [
      ["a", one],
      ["b", one],
      ["c", one],
    ],
  ] as const;
  for (const [index, tensors] of cases.entries()) {
    await expect(
      writeSafetensors(join(folder, `${index}`), specs, content(tensors as readonly (readonly [string, HostTensor])[])),
    ).rejects.toMatchObject({ code: "input-mismatch" });
  }
  expect(() => encodeHeader([specs[0]!, specs[0]!])).toThrow("Two tensors have one name");
});
