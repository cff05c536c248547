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
    const rows = this.#rowsOf(arrays);
    return Object.fromEntries(
      Object.entries(this.#specs).map(([name, spec]) => {
        const array = arrays[name];
        if (array !== undefined) return [name, this.#pad(name, array, spec)];
        if (name !== "weights") {
          throw new PipeError("batch-invalid", "A batch lacks an array that the model reads.", {
            expected: Object.keys(this.#specs).join(", "),
            got: Object.keys(arrays).join(", "),
          });
        }
        const weights = hostArray(spec);
        return [name, weights.fill(1, 0, rows * rowSize(spec))];
      }),
    );
  }

  #pad(name: string, array: HostArray, spec: TensorSpec): HostArray {
    const isShort = array.length < sizeOf(spec.shape) && dtypeOf(array) === spec.dtype;
    if (!isShort || !("weights" in this.#specs)) {
      checkHostArray(array, spec, `batch/${name}`);
      return array;
    }
    const padded = hostArray(spec);
    padded.set(array);
    return padded;
  }

  /** Rows of the arrays that the model reads. */
  #rowsOf(arrays: { readonly [name: string]: HostArray }): number {
    const given = Object.entries(this.#specs).flatMap(([name, spec]): [string, number][] => {
      const array = arrays[name];
      return array === undefined ? [] : [[name, array.length / rowSize(spec)]];
    });
    const [first] = given;
    const rows = first?.[1] ?? 0;
    if (Number.isInteger(rows) && rows <= this.#rows && given.every(([, count]) => count === rows)) return rows;
    throw new PipeError("batch-invalid", "The arrays of a batch do not hold the same whole number of rows.", {
      expected: `at most ${this.#rows} rows each`,
      got: given.map(([name, count]) => `${name} ${count}`).join(", "),
    });
  }
}

/** Elements of one row. */
function rowSize({ shape }: TensorSpec): number {
  return sizeOf(shape.slice(1));
}
