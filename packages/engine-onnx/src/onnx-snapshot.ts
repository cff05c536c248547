import type { ISnapshot, SnapshotTensor, TensorSpec } from "@pipe/core";
import { bytesOf } from "@pipe/core";
import type { OnnxTensor } from "./onnx-tensor.ts";

/** A copy of tensors inside the session host, read one by one. */
export class OnnxSnapshot implements ISnapshot {
  readonly specs: ReadonlyMap<string, TensorSpec>;
  readonly #tensors: readonly (readonly [string, OnnxTensor])[];

  constructor(tensors: readonly (readonly [string, OnnxTensor])[]) {
    this.#tensors = [...tensors].sort(([a], [b]) => (a < b ? -1 : 1));
    this.specs = new Map(this.#tensors.map(([path, { spec }]) => [path, spec]));
  }

  async *tensors(): AsyncIterable<SnapshotTensor> {
    for (const [path, tensor] of this.#tensors) yield { path, spec: tensor.spec, bytes: bytesOf(await tensor.read()) };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const [, tensor] of this.#tensors) tensor[Symbol.dispose]();
  }
}
