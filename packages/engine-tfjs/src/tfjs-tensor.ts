import type { DeviceTensor, HostArray, TensorSpec } from "@pipe/core";
import { TensorLife } from "@pipe/graph/engine";
import type * as tf from "@pipe/graph/tf";
import type { TfjsEngine } from "./tfjs-engine.ts";

/** A tensor of an engine on its tfjs backend, or the error of the run that should have made it. */
export class TfjsTensor implements DeviceTensor {
  readonly spec: TensorSpec;
  readonly engine: TfjsEngine;
  readonly #life: TensorLife;
  readonly #content: tf.Tensor | Error;

  constructor(engine: TfjsEngine, spec: TensorSpec, content: tf.Tensor | Error) {
    this.engine = engine;
    this.spec = spec;
    this.#life = new TensorLife(spec, engine.ledger);
    this.#content = content;
  }

  /** The tensor. @throws what its run threw. */
  get tensor(): tf.Tensor {
    if (this.#content instanceof Error) throw this.#content;
    return this.#content;
  }

  async read(): Promise<HostArray> {
    this.check("read()");
    const data = (await this.tensor.data()) as HostArray;
    // A copy: some backends hand out the memory that the tensor lives in.
    if (this.spec.dtype === "bool") return Uint8Array.from(data);
    return this.spec.dtype === "int32" ? Int32Array.from(data) : Float32Array.from(data);
  }

  [Symbol.dispose](): void {
    if (this.#life.end("disposed")) this.free();
  }

  /** Marks it as consumed by a run, and frees its memory. */
  donate(): void {
    if (this.#life.end("donated")) this.free();
  }

  /** @throws PipeError `engine-closed`, `tensor-donated`, `tensor-disposed`. */
  check(where: string): void {
    this.engine.checkOpen();
    this.#life.check(where);
  }

  /** Frees the memory. */
  free(): void {
    this.engine.forget(this);
    if (!(this.#content instanceof Error)) this.#content.dispose();
  }
}
