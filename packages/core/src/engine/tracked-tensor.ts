import { PipeError } from "../error.ts";
import type { DeviceTensor, HostArray, TensorSpec } from "../interfaces/tensors.ts";
import { byteSizeOf, formatSpec } from "../tensor-spec.ts";

/** Counts the tensors of an engine that the host can still reach. */
export type Ledger = { tensors: number; tensorBytes: number };

/** What device tensors of every engine have in common: a spec, a life that ends once, and a place in the ledger. */
export abstract class TrackedTensor implements DeviceTensor {
  readonly spec: TensorSpec;
  readonly ledger: Ledger;
  #state: "live" | "donated" | "disposed" = "live";

  constructor(ledger: Ledger, spec: TensorSpec) {
    this.ledger = ledger;
    this.spec = spec;
    ledger.tensors++;
    ledger.tensorBytes += byteSizeOf(spec);
  }

  abstract read(): Promise<HostArray>;

  /** Frees the memory; called once, on disposal, and not for a donated tensor: that is its run's. */
  protected abstract free(): void;

  [Symbol.dispose](): void {
    if (this.#leave("disposed")) this.free();
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
    this.ledger.tensors--;
    this.ledger.tensorBytes -= byteSizeOf(this.spec);
    return true;
  }
}
