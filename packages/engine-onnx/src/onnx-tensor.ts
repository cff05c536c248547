import type { DeviceTensor, HostArray, TensorSpec } from "@pipe/core";
import { byteSizeOf, formatSpec, PipeError } from "@pipe/core";
import type { Connection } from "./connection.ts";

/** Counts what the host keeps for us. */
export type Ledger = { tensors: number; tensorBytes: number };

/** A tensor in the session host, known here by its number. */
export class OnnxTensor implements DeviceTensor {
  readonly spec: TensorSpec;
  readonly number: number;
  readonly connection: Connection;
  readonly #ledger: Ledger;
  #state: "live" | "donated" | "disposed" = "live";
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
    this.#ledger = ledger;
    this.number = number;
    this.spec = spec;
    this.#arrival = arrival;
    // A failure that nobody reads must not end the process: it stays in the host for whoever uses the tensor.
    arrival?.catch(() => undefined);
    ledger.tensors++;
    ledger.tensorBytes += byteSizeOf(spec);
  }

  async read(): Promise<HostArray> {
    this.check("read()");
    const small = await this.#arrival;
    if (small !== undefined) return small.slice();
    this.check("read()");
    return this.connection.send({ type: "read", tensor: this.number });
  }

  [Symbol.dispose](): void {
    if (!this.#leave("disposed")) return;
    this.connection.send({ type: "free", tensors: [this.number] }).catch(() => undefined);
  }

  /** Marks it as consumed by a run. */
  donate(): void {
    this.#leave("donated");
  }

  /** @throws PipeError `tensor-donated`, `tensor-disposed`. */
  check(where: string): void {
    if (this.#state === "live") return;
    const donated = this.#state === "donated";
    throw new PipeError(`tensor-${this.#state}`, `A device tensor was used after it was ${this.#state}.`, {
      got: formatSpec(this.spec),
      where,
      fix: donated
        ? "use the outputs of the run that consumed it, or take a snapshot() before"
        : "dispose tensors only after their last use",
    });
  }

  #leave(state: "donated" | "disposed"): boolean {
    if (this.#state !== "live") return false;
    this.#state = state;
    this.#ledger.tensors--;
    this.#ledger.tensorBytes -= byteSizeOf(this.spec);
    return true;
  }
}
