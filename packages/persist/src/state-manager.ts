import { PipeError, type IStateful, type Json } from "@pipe/core";

const TAKEN = ["step", "parameters"];

/**
 * Gathers the states of a run's parts into one record, and gives each part its own back.
 *
 * The keys `step` and `parameters` are taken: the first is the trainer's, and passed over, so that the whole state of a
 * checkpoint can be given to {@link StateManager.restore}; the second is where the checkpoint keeps its list of parameters.
 */
export class StateManager {
  readonly #parts: ReadonlyMap<string, IStateful>;
  readonly #optional: ReadonlySet<string>;

  /**
   * @param optional keys that a stored state may lack, or have beside those of the parts: such a part stays as it is.
   * @throws PipeError `state-key` where two parts share a key, or one has a taken key.
   */
  constructor(parts: readonly IStateful[], { optional = [] }: { readonly optional?: readonly string[] } = {}) {
    this.#optional = new Set(optional);
    const byKey = new Map<string, IStateful>();
    for (const part of parts) {
      if (TAKEN.includes(part.key) || byKey.has(part.key)) {
        throw new PipeError("state-key", "A part of the run has a key that is taken.", {
          expected: `a key other than ${[...TAKEN, ...byKey.keys()].join(", ")}`,
          got: part.key,
        });
      }
      byKey.set(part.key, part);
    }
    this.#parts = byKey;
  }

  /** The states by key, in the order of the parts. */
  capture(): { readonly [key: string]: Json } {
    return Object.fromEntries([...this.#parts].map(([key, part]) => [key, part.capture()]));
  }

  /**
   * Puts every part back; no part is touched unless the keys are those of the parts, optional ones apart.
   *
   * @throws PipeError `state-invalid`; what a part throws passes through.
   */
  restore(value: Json): void {
    if (value === null || typeof value !== "object" || Array.isArray(value)) {
      throw mismatch("a record of states by key", JSON.stringify(value));
    }
    const record = value as { readonly [key: string]: Json };
    const needed = (key: string): boolean => !this.#optional.has(key);
    const missing = [...this.#parts.keys()].filter((key) => needed(key) && !Object.hasOwn(record, key));
    const unknown = Object.keys(record).filter((key) => key !== "step" && needed(key) && !this.#parts.has(key));
    if (missing.length + unknown.length > 0) {
      throw mismatch([...this.#parts.keys()].join(", "), Object.keys(record).join(", "), { missing, unknown });
    }
    for (const [key, part] of this.#parts) if (Object.hasOwn(record, key)) part.restore(record[key]!);
  }
}

function mismatch(
  expected: string,
  got: string,
  { missing, unknown }: { missing: readonly string[]; unknown: readonly string[] } = { missing: [], unknown: [] },
): PipeError {
  const problems = [
    ...missing.map((key) => `no state for ${key}: it was not part of the run that was saved`),
    ...unknown.map((key) => `nothing takes the state of ${key}: the run that was saved had it`),
  ];
  return new PipeError("state-invalid", "A stored state does not belong to this run.", {
    expected,
    got: got === "" ? "nothing" : got,
    fix: `resume with the recipe of the saved run${problems.map((problem) => `; ${problem}`).join("")}`,
  });
}
