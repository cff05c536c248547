import type { HostArray, TensorSpec } from "@pipe/core";
import { TrackedTensor } from "@pipe/core";
import type * as tf from "@pipe/graph/tf";
import type { TfjsEngine } from "./tfjs-engine.ts";

/** A tensor of an engine on its tfjs backend, or the error of the run that should have made it. */
export class TfjsTensor extends TrackedTensor {
  readonly engine: TfjsEngine;
  readonly #content: tf.Tensor | Error;

  constructor(engine: TfjsEngine, spec: TensorSpec, content: tf.Tensor | Error) {
    super(engine.ledger, spec);
    this.engine = engine;
    this.#content = content;
  }

  /** The tensor. @throws what its run threw. */
  get tensor(): tf.Tensor {
    if (this.#content instanceof Error) throw this.#content;
    return this.#content;
  }

  async read(): Promise<HostArray> {
    this.engine.checkOpen();
    this.check("read()");
    const data = (await this.tensor.data()) as HostArray;
    // A copy: some backends hand out the memory that the tensor lives in.
    if (this.spec.dtype === "bool") return Uint8Array.from(data);
    return this.spec.dtype === "int32" ? Int32Array.from(data) : Float32Array.from(data);
  }

  /** Frees the memory, of a donated tensor too. */
  free(): void {
    this.engine.forget(this);
    if (!(this.#content instanceof Error)) this.#content.dispose();
  }
}
