import koffi from "koffi";
import { keepLoaded } from "./c-library.ts";
import { enlargeStacks } from "./koffi-stacks.ts";

/** A pointer, a size or a number, as one 8-byte word. */
export type Word = bigint | number | ArrayBufferView | undefined;

/** koffi unloads a library when its handle is collected, and XLA's threads would go on in memory that is gone. */
const loaded = new Set<unknown>();

/** Loads a library, for as long as the process lives, with stacks large enough for a compiler. @throws PipeError `koffi-configured`, or what the loader says. */
export function loadLibrary(path: string): ReturnType<typeof koffi.load> {
  enlargeStacks();
  const library = koffi.load(path);
  loaded.add(library);
  keepLoaded(path);
  return library;
}

/** Memory that keeps its address: arrays of up to 64 bytes may lie on the movable heap, so none is that small. */
export function pinned(bytes: number): Uint8Array<ArrayBuffer> {
  return new Uint8Array(new ArrayBuffer(Math.max(128, bytes)));
}

/** Words at a fixed address. What they point to lives as long as they do. */
export function pinnedWords(words: readonly Word[]): BigUint64Array<ArrayBuffer> {
  const made = new BigUint64Array(pinned(8 * words.length).buffer);
  words.forEach((word, i) => (made[i] = wordOf(word)));
  return holding(made, words);
}

/** Keeps what an array points to for as long as the array itself: addresses alone keep nothing. */
export function holding<T extends ArrayBufferView>(array: T, targets: readonly unknown[]): T {
  return Object.assign(array, { targets });
}

/** The bytes of a text at a fixed address, and a zero behind them. */
export function pinnedText(text: string): { readonly bytes: Uint8Array<ArrayBuffer>; readonly length: number } {
  const encoded = new TextEncoder().encode(text);
  const bytes = pinned(encoded.length + 1);
  bytes.set(encoded);
  return { bytes, length: encoded.length };
}

/** The word that stands in a struct: an array's address, or the number itself. */
export function wordOf(word: Word): bigint {
  if (word === undefined) return 0n;
  if (typeof word === "object") return koffi.address(word);
  return BigInt.asUintN(64, BigInt(word));
}

/** A view of foreign memory, which is ours only until the next call. */
export function memoryAt(address: bigint, bytes: number): Uint8Array {
  return bytes === 0 ? new Uint8Array() : new Uint8Array(koffi.view(address, bytes));
}

/** A copy of the text at an address. */
export function textAt(address: bigint, bytes: bigint): string {
  return new TextDecoder().decode(memoryAt(address, Number(bytes)).slice());
}

/** A C function that takes one pointer. */
export type NativeFunction = {
  (argument: ArrayBufferView | bigint): bigint | null;
  async(argument: ArrayBufferView, done: (error: unknown, result: bigint | null) => void): void;
};

let prototype: ReturnType<typeof koffi.proto> | undefined;

/** The C function at an address. */
export function functionAt(address: bigint): NativeFunction {
  prototype ??= koffi.proto("void *pipe_pjrt_function(void *argument)");
  return koffi.decode(address, prototype) as NativeFunction;
}
