import type { HostArray, TensorSpec } from "@pipe/core";
import { byteSizeOf, type PipeError } from "@pipe/core";
import { BufferPool } from "./buffer-pool.ts";

/** A fixed place in an executable's own memory where a piece of state is replaced run after run. */
export type Home = {
  readonly data: Float32Array;
  /** The tensor that lives there. */
  owner: number | undefined;
};

/** A failed tensor carries the error of the run that should have made it. */
type Stored = { readonly data: HostArray; readonly home?: Home } | { readonly failure: PipeError };

/** The tensors of a session host by number. */
export class TensorStore {
  readonly pool = new BufferPool();
  readonly #tensors = new Map<number, Stored>();

  /** The elements of a tensor. @throws the error of the run that failed to make it. */
  data(tensor: number): HostArray {
    const stored = this.#tensors.get(tensor)!;
    if ("failure" in stored) throw stored.failure;
    return stored.data;
  }

  /** An array from the pool; its contents are undefined. */
  take(spec: TensorSpec): HostArray {
    const buffer = this.pool.take(byteSizeOf(spec));
    if (spec.dtype === "float32") return new Float32Array(buffer);
    return spec.dtype === "int32" ? new Int32Array(buffer) : new Uint8Array(buffer);
  }

  set(tensor: number, data: HostArray): void {
    this.#tensors.set(tensor, { data });
  }

  /** Remembers why a tensor could not be made. */
  fail(tensor: number, failure: PipeError): void {
    this.#tensors.set(tensor, { failure });
  }

  /** A stable copy under another number. */
  copy(from: number, to: number): void {
    this.set(to, this.#copyOf(this.data(from)));
  }

  /** Gives a tensor another number. */
  rename(from: number, to: number): void {
    const stored = this.#tensors.get(from)!;
    this.#tensors.delete(from);
    this.#tensors.set(to, stored);
    if ("home" in stored && stored.home !== undefined) stored.home.owner = to;
  }

  /**
   * Brings elements to a home, unless they are there; another tensor that lives there moves out. A tensor that the run
   * consumes moves in for good, and what it leaves is not kept for others: such memory is wanted once.
   */
  settle(home: Home, source: { readonly tensor: number } | { readonly data: HostArray }, isConsumed: boolean): void {
    const stored: Stored = "tensor" in source ? this.#tensors.get(source.tensor)! : source;
    const before = "failure" in stored ? undefined : stored.home;
    if (before === home) return;
    const data = "tensor" in source ? this.data(source.tensor) : source.data;
    if (home.owner !== undefined) this.set(home.owner, this.#copyOf(home.data));
    home.owner = undefined;
    home.data.set(data as Float32Array);
    if (!isConsumed || !("tensor" in source)) return;
    this.setAtHome(source.tensor, home);
    // Freed now: this thread may not collect garbage for a long time. Another home is a part of its executable's memory.
    if (before === undefined) (data.buffer as ArrayBuffer).transfer(0);
    else before.owner = undefined;
  }

  /** Makes a tensor of what stands at a home. */
  setAtHome(tensor: number, home: Home): void {
    home.owner = tensor;
    this.#tensors.set(tensor, { data: home.data, home });
  }

  /** Forgets a tensor; its memory is used again. */
  free(tensor: number): void {
    const stored = this.#tensors.get(tensor);
    this.#tensors.delete(tensor);
    if (stored === undefined || "failure" in stored) return;
    const { data, home } = stored;
    if (home === undefined) this.pool.give(data.buffer as ArrayBuffer);
    else if (home.owner === tensor) home.owner = undefined;
  }

  #copyOf(data: HostArray): HostArray {
    const copy = new (data.constructor as new (buffer: ArrayBuffer) => HostArray)(this.pool.take(data.byteLength));
    copy.set(data);
    return copy;
  }
}
