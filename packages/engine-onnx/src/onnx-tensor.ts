import type { HostArray, Ledger, TensorSpec } from "@pipe/core";
import { TrackedTensor } from "@pipe/core";
import type { Connection } from "./connection.ts";

/** A tensor in the session host, known here by its number. */
export class OnnxTensor extends TrackedTensor {
  readonly number: number;
  readonly connection: Connection;
  /** Elements that came with the run, or its failure. */
  readonly #arrival: Promise<HostArray | undefined> | undefined;

  constructor(
    connection: Connection,
    ledger: Ledger,
    number: number,
    spec: TensorSpec,
    arrival?: Promise<HostArray | undefined>,
  ) {
    super(ledger, spec);
    this.connection = connection;
    this.number = number;
    this.#arrival = arrival;
    // A failure that nobody reads must not end the process: it stays in the host for whoever uses the tensor.
    arrival?.catch(() => undefined);
  }

  async read(): Promise<HostArray> {
    this.check("read()");
    const small = await this.#arrival;
    if (small !== undefined) return small.slice();
    this.check("read()");
    return this.connection.send({ type: "read", tensor: this.number });
  }

  protected free(): void {
    this.connection.send({ type: "free", tensors: [this.number] }).catch(() => undefined);
  }
}
