import type { DeviceTensor, HostArray, TensorSpec } from "@pipe/core";
import { TensorLife } from "@pipe/graph/engine";
import type { DeviceBuffer } from "./pjrt/device-buffer.ts";
import type { XlaEngine } from "./xla-engine.ts";

/** A tensor on XLA's device. */
export class XlaTensor implements DeviceTensor {
  readonly spec: TensorSpec;
  readonly engine: XlaEngine;
  readonly buffer: DeviceBuffer;
  readonly #life: TensorLife;

  constructor(engine: XlaEngine, buffer: DeviceBuffer, spec: TensorSpec) {
    this.engine = engine;
    this.buffer = buffer;
    this.spec = spec;
    this.#life = new TensorLife(spec, engine.ledger);
    engine.own(buffer);
  }

  async read(): Promise<HostArray> {
    this.check("read()");
    return this.buffer.read(this.spec);
  }

  [Symbol.dispose](): void {
    if (this.#life.end("disposed")) this.engine.free(this.buffer);
  }

  /** Marks it as consumed by a run. */
  donate(): void {
    if (this.#life.end("donated")) this.engine.free(this.buffer);
  }

  /** @throws PipeError `engine-closed`, `tensor-donated`, `tensor-disposed`. */
  check(where: string): void {
    this.engine.checkOpen();
    this.#life.check(where);
  }
}
