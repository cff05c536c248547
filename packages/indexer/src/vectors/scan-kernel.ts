/** Computes inner products of a query with rows that lie one after the other, all in one WebAssembly memory. */
export type ScanKernel = {
  readonly memory: WebAssembly.Memory;
  /** Addresses in bytes; a row has `rowBytes` bytes, a multiple of 32. One float32 a row is written to `out`. */
  scan(rows: number, query: number, count: number, rowBytes: number, out: number): void;
};

const [I32, V128, VOID] = [0x7f, 0x7b, 0x40];
const get = (local: number): number[] => [0x20, local];
const set = (local: number): number[] => [0x21, local];
const load = (local: number, offset: number): number[] => [...get(local), 0xfd, 0x00, 4, offset];
const lane = (local: number, at: number): number[] => [...get(local), 0xfd, 0x1f, at];
const increase = (local: number, by: number): number[] => [...get(local), 0x41, by, 0x6a, ...set(local)];
const zero = [0xfd, 0x0c, ...Array.from<number>({ length: 16 }).fill(0)];
const [mul, add, addFloat, addInt, mulInt, below] = [[0xfd, 0xe6, 1], [0xfd, 0xe4, 1], 0x92, 0x6a, 0x6c, 0x49];
const section = (id: number, ...content: readonly number[]): number[] => [id, ...size(content.length), ...content];

/** Makes a kernel that multiplies four numbers at a time. */
export function createScanKernel(): ScanKernel {
  const [rows, query, count, rowBytes, out, end, at, stop, even, odd] = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9];
  const product = (sum: number, offset: number): number[] => [
    ...[...get(sum), ...load(rows, offset), ...load(at, offset), ...mul, ...add],
    ...set(sum),
  ];
  const body = [
    ...[...get(rows), ...get(count), ...get(rowBytes), mulInt, addInt, ...set(end)],
    ...[0x03, VOID, ...zero, ...set(even), ...zero, ...set(odd), ...get(query), ...set(at)],
    ...[...get(rows), ...get(rowBytes), addInt, ...set(stop)],
    ...[0x03, VOID, ...product(even, 0), ...product(odd, 16), ...increase(rows, 32), ...increase(at, 32)],
    ...[...get(rows), ...get(stop), below, 0x0d, 0, 0x0b],
    ...[...get(even), ...get(odd), ...add, ...set(even), ...get(out)],
    ...[...lane(even, 0), ...lane(even, 1), addFloat, ...lane(even, 2), addFloat, ...lane(even, 3), addFloat],
    ...[0x38, 2, 0, ...increase(out, 4), ...get(rows), ...get(end), below, 0x0d, 0, 0x0b, 0x0b],
  ];
  const code = [2, 3, I32, 2, V128, ...body];
  const binary = Uint8Array.of(
    ...[0, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
    ...section(1, 1, 0x60, 5, I32, I32, I32, I32, I32, 0),
    ...section(2, 1, 1, 0x6d, 1, 0x6d, 2, 0, 1),
    ...section(3, 1, 0),
    ...section(7, 1, 1, 0x73, 0, 0),
    ...section(10, 1, ...size(code.length), ...code),
  );
  const memory = new WebAssembly.Memory({ initial: 1 });
  const { exports } = new WebAssembly.Instance(new WebAssembly.Module(binary), { m: { m: memory } });
  return { memory, scan: exports["s"] as ScanKernel["scan"] };
}

/** An unsigned number in variable length. */
function size(value: number): number[] {
  return value < 0x80 ? [value] : [(value & 0x7f) | 0x80, ...size(value >> 7)];
}
