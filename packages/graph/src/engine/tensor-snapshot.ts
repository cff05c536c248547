import type { DeviceTensor, ISnapshot, SnapshotTensor, TensorSpec } from "@pipe/core";
import { bytesOf } from "@pipe/core";

/** A snapshot of device tensors that nobody else has: read one by one, disposed with it. */
export class TensorSnapshot implements ISnapshot {
  readonly specs: ReadonlyMap<string, TensorSpec>;
  readonly #tensors: readonly (readonly [string, DeviceTensor])[];

  constructor(copies: readonly (readonly [string, DeviceTensor])[]) {
    this.#tensors = [...copies].sort(([a], [b]) => (a < b ? -1 : 1));
    this.specs = new Map(this.#tensors.map(([path, { spec }]) => [path, spec]));
  }

  async *tensors(): AsyncIterable<SnapshotTensor> {
    for (const [path, tensor] of this.#tensors) yield { path, spec: tensor.spec, bytes: bytesOf(await tensor.read()) };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const [, tensor] of this.#tensors) tensor[Symbol.dispose]();
  }
}
