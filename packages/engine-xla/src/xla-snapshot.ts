import type { HostArray, ISnapshot, SnapshotTensor, TensorSpec } from "@pipe/core";
import { bytesOf } from "@pipe/core";

/** A copy of device state in host memory. */
export class XlaSnapshot implements ISnapshot {
  readonly specs: ReadonlyMap<string, TensorSpec>;
  readonly #copies: Map<string, HostArray>;

  constructor(copies: readonly { readonly path: string; readonly spec: TensorSpec; readonly data: HostArray }[]) {
    const sorted = [...copies].sort((a, b) => (a.path < b.path ? -1 : 1));
    this.specs = new Map(sorted.map(({ path, spec }) => [path, spec]));
    this.#copies = new Map(sorted.map(({ path, data }) => [path, data]));
  }

  async *tensors(): AsyncIterable<SnapshotTensor> {
    for (const [path, spec] of this.specs) yield { path, spec, bytes: bytesOf(this.#copies.get(path)!) };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#copies.clear();
  }
}
