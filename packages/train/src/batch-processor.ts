import type { HostArray, TensorSpec } from "@pipe/core";
import { checkHostArray, dtypeOf, hostArray, PipeError, sizeOf } from "@pipe/core";

/**
 * Turns the arrays of a batch into feeds of fixed shapes: a last batch with fewer rows is padded with zeros, and its
 * padding gets weight 0; where the model wants `weights` and the batch has none, all real rows count.
 */
export class BatchProcessor {
  readonly #specs: { readonly [name: string]: TensorSpec };
  readonly #rows: number;

  /** @param specs of the batch; all have the same first size, the rows. @throws PipeError `batch-invalid`. */
  constructor(specs: { readonly [name: string]: TensorSpec }) {
    const rows = new Set(Object.values(specs).map(({ shape }) => shape[0]));
    const [first] = rows;
    if (rows.size !== 1 || first === undefined) {
      throw new PipeError("batch-invalid", "All arrays of a batch must have the same number of rows.", {
        got: Object.entries(specs)
          .map(([name, { shape }]) => `${name} [${shape.join(", ")}]`)
          .join(", "),
      });
    }
    this.#specs = specs;
    this.#rows = first;
  }

  /** Feeds for one step. @throws PipeError `batch-invalid`, `input-mismatch`. */
  process(arrays: { readonly [name: string]: HostArray }): { readonly [name: string]: HostArray } {
    const given = Object.keys(this.#specs).filter((name) => name in arrays);
    const rows = given.length === 0 ? 0 : this.#rowsOf(given[0]!, arrays[given[0]!]!);
    return Object.fromEntries(
      Object.entries(this.#specs).map(([name, spec]) => {
        const array = arrays[name];
        if (array !== undefined) return [name, this.#pad(name, array, spec, rows)];
        if (name !== "weights") {
          throw new PipeError("batch-invalid", "A batch lacks an array that the model reads.", {
            expected: Object.keys(this.#specs).join(", "),
            got: Object.keys(arrays).join(", "),
          });
        }
        const weights = hostArray(spec);
        return [name, weights.fill(1, 0, rows * this.#rowSize(spec))];
      }),
    );
  }

  #pad(name: string, array: HostArray, spec: TensorSpec, rows: number): HostArray {
    if (array.length === sizeOf(spec.shape)) {
      checkHostArray(array, spec, `batch/${name}`);
      return array;
    }
    if (this.#rowsOf(name, array) !== rows || dtypeOf(array) !== spec.dtype || !("weights" in this.#specs)) {
      checkHostArray(array, spec, `batch/${name}`);
    }
    const padded = hostArray(spec);
    padded.set(array);
    return padded;
  }

  #rowsOf(name: string, array: HostArray): number {
    return Math.min(this.#rows, array.length / this.#rowSize(this.#specs[name]!));
  }

  #rowSize({ shape }: TensorSpec): number {
    return sizeOf(shape.slice(1));
  }
}
