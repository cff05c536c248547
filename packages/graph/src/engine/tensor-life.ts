import type { TensorSpec } from "@pipe/core";
import { byteSizeOf, formatSpec, PipeError } from "@pipe/core";

/** Counts the tensors that an engine's user can still reach. */
export type Ledger = { tensors: number; tensorBytes: number };

/** A device tensor's way from its birth to its end, counted in a ledger. */
export class TensorLife {
  readonly #spec: TensorSpec;
  readonly #ledger: Ledger;
  #state: "live" | "donated" | "disposed" = "live";

  constructor(spec: TensorSpec, ledger: Ledger) {
    this.#spec = spec;
    this.#ledger = ledger;
    ledger.tensors++;
    ledger.tensorBytes += byteSizeOf(spec);
  }

  /** @throws PipeError `tensor-donated`, `tensor-disposed` where it has ended; `where` names the use. */
  check(where: string): void {
    if (this.#state === "live") return;
    const donated = this.#state === "donated";
    throw new PipeError(`tensor-${this.#state}`, `A device tensor was used after it was ${this.#state}.`, {
      got: formatSpec(this.#spec),
      where,
      fix: donated
        ? "use the outputs of the run that consumed it, or take a snapshot() before"
        : "dispose tensors only after their last use",
    });
  }

  /** Ends it; false where it had ended before. */
  end(state: "donated" | "disposed"): boolean {
    if (this.#state !== "live") return false;
    this.#state = state;
    this.#ledger.tensors--;
    this.#ledger.tensorBytes -= byteSizeOf(this.#spec);
    return true;
  }
}
