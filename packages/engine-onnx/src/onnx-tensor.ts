import type { DeviceTensor, HostArray, TensorSpec } from "@pipe/core";
import { type Ledger, TensorLife } from "@pipe/graph/engine";
import type { Connection } from "./connection.ts";

/** A tensor in the session host, known here by its number. */
export class OnnxTensor implements DeviceTensor {
  readonly spec: TensorSpec;
  readonly number: number;
  readonly connection: Connection;
  readonly #life: TensorLife;
  /** Elements that came with the run, or its failure. */
  #arrival: Promise<HostArray | undefined> | undefined;

  constructor(
    connection: Connection,
    ledger: Ledger,
    number: number,
    spec: TensorSpec,
    arrival?: Promise<HostArray | undefined>,
  ) {
    this.connection = connection;
    this.number = number;
    this.spec = spec;
    this.#arrival = arrival;
    // A failure that nobody reads must not end the process: it stays in the host for whoever uses the tensor.
    arrival?.catch(() => undefined);
    this.#life = new TensorLife(spec, ledger);
  }

  async read(): Promise<HostArray> {
    this.check("read()");
    const small = await this.#arrival;
    if (small !== undefined) return small.slice();
    this.check("read()");
    return this.connection.send({ type: "read", tensor: this.number });
  }

  [Symbol.dispose](): void {
    if (!this.#life.end("disposed")) return;
    this.connection.send({ type: "free", tensors: [this.number] }).catch(() => undefined);
  }

  /** Marks it as consumed by a run. */
  donate(): void {
    this.#life.end("donated");
  }

  /** @throws PipeError `tensor-donated`, `tensor-disposed`. */
  check(where: string): void {
    this.#life.check(where);
  }
}
