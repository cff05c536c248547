import { holding, pinned, pinnedText, wordOf } from "./native.ts";

/** Options of a plug-in's client by name: text, whole numbers (as bigint or integer), other numbers, yes or no. */
export type CreateOptions = { readonly [name: string]: string | number | bigint | boolean };

/** `sizeof(PJRT_NamedValue)`. */
const BYTES = 56;
const KIND = { text: 0, integer: 1, float: 3, bool: 4 } as const;

/** An array of `PJRT_NamedValue`. */
export function namedValues(options: CreateOptions): {
  readonly bytes: Uint8Array;
  readonly count: number;
} {
  const entries = Object.entries(options);
  const bytes = pinned(BYTES * entries.length);
  const view = new DataView(bytes.buffer);
  const keep: Uint8Array[] = [];
  const pointer = (at: number, text: string): number => {
    const { bytes: held, length } = pinnedText(text);
    keep.push(held);
    view.setBigUint64(at, wordOf(held), true);
    return length;
  };
  entries.forEach(([name, value], i) => {
    const at = BYTES * i;
    view.setBigUint64(at, BigInt(BYTES), true);
    view.setBigUint64(at + 24, BigInt(pointer(at + 16, name)), true);
    view.setBigUint64(at + 48, 1n, true);
    if (typeof value === "string") {
      view.setInt32(at + 32, KIND.text, true);
      view.setBigUint64(at + 48, BigInt(pointer(at + 40, value)), true);
    } else if (typeof value === "boolean") {
      view.setInt32(at + 32, KIND.bool, true);
      view.setUint8(at + 40, value ? 1 : 0);
    } else if (typeof value === "bigint" || Number.isInteger(value)) {
      view.setInt32(at + 32, KIND.integer, true);
      view.setBigInt64(at + 40, BigInt(value), true);
    } else {
      view.setInt32(at + 32, KIND.float, true);
      view.setFloat32(at + 40, value, true);
    }
  });
  return { bytes: holding(bytes, keep), count: entries.length };
}
