import type { DeviceTensor, HostArray, TensorSpec } from "@pipe/core";
import { TensorLife } from "@pipe/graph/engine";
import type { DeviceArray } from "./pjrt/device-array.ts";
import type { XlaEngine } from "./xla-engine.ts";

/** A tensor on XLA's devices. */
export class XlaTensor implements DeviceTensor {
  readonly spec: TensorSpec;
  readonly engine: XlaEngine;
  readonly array: DeviceArray;
  readonly #life: TensorLife;

  constructor(engine: XlaEngine, array: DeviceArray, spec: TensorSpec) {
    this.engine = engine;
    this.array = array;
    this.spec = spec;
    this.#life = new TensorLife(spec, engine.ledger);
    engine.own(array);
  }

  async read(): Promise<HostArray> {
    this.check("read()");
    return this.array.read();
  }

  [Symbol.dispose](): void {
    if (this.#life.end("disposed")) this.engine.free(this.array);
  }

  /** Marks it as consumed by a run. */
  donate(): void {
    if (this.#life.end("donated")) this.engine.free(this.array);
  }

  /** @throws PipeError `engine-closed`, `tensor-donated`, `tensor-disposed`. */
  check(where: string): void {
    this.engine.checkOpen();
    this.#life.check(where);
  }
}
