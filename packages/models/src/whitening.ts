import { PipeError } from "@pipe/core";
import { choleskyOf, solveLower } from "./cholesky.ts";

/** Sample vectors for each dimension, at least: fewer say too little of how the dimensions go together. */
const leastPerDimension = 2;
/** Share of the mean variance that is added to each dimension, so that one that never varies does no harm. */
const floor = 1e-4;
const digestBytes = 32;

/**
 * Takes out of vectors what all texts share: moves their mean to zero and makes their covariance the identity (Su et al.
 * 2021), estimated from the vectors of a sample. A language model gives all texts nearly the same direction; what is left afterwards
 * tells them apart.
 *
 * Of the matrices that whiten, all of which give equal angles, the inverse of Cholesky's factor is the cheapest to find.
 */
export class Whitening {
  readonly dimensions: number;
  /** Tells it from others: equal only where every number is. */
  readonly id: string;
  /** The mean, then the factor's lower triangle in a square, row by row; little-endian, and their SHA-256 behind. */
  readonly #bytes: Uint8Array;
  readonly #mean: Float64Array;
  readonly #factor: Float64Array;

  private constructor(dimensions: number, values: Float64Array, digest: Uint8Array) {
    this.dimensions = dimensions;
    this.#mean = values.subarray(0, dimensions);
    this.#factor = values.subarray(dimensions);
    const body = new Uint8Array(values.buffer);
    this.#bytes = new Uint8Array(body.length + digest.length);
    this.#bytes.set(body);
    this.#bytes.set(digest, body.length);
    this.id = Array.from(digest.subarray(0, 6), (byte) => byte.toString(16).padStart(2, "0")).join("");
  }

  /** Estimates it from the vectors of a sample. @throws PipeError `whitening-sample-small`, `whitening-sample-alike`. */
  static async of(sample: readonly Float32Array[]): Promise<Whitening> {
    const dimensions = sample[0]?.length ?? 0;
    const least = Math.max(1, leastPerDimension * dimensions);
    if (sample.length < least) {
      throw new PipeError("whitening-sample-small", "These are too few texts to estimate a whitening from.", {
        expected: `at least ${least} vectors, ${leastPerDimension} for each of ${dimensions} dimensions`,
        got: `${sample.length}`,
        fix: "take more text, or leave the whitening out",
      });
    }
    const mean = meanOf(sample, dimensions);
    const covariance = covarianceOf(sample, mean);
    let trace = 0;
    for (let i = 0; i < dimensions; i++) trace += covariance[i * dimensions + i]!;
    // What rounding makes of equal vectors is no difference.
    if (!(trace > 1e-12 * mean.reduce((sum, value) => sum + value * value, 0))) {
      throw new PipeError(
        "whitening-sample-alike",
        "No whitening can be estimated from vectors that are all the same.",
        {
          expected: "finite vectors that differ",
          got: `${sample.length} vectors of variance ${trace}`,
        },
      );
    }
    for (let i = 0; i < dimensions; i++) covariance[i * dimensions + i]! += (floor * trace) / dimensions;
    const values = new Float64Array(dimensions * (dimensions + 1));
    values.set(mean);
    values.set(choleskyOf(covariance, dimensions), dimensions);
    return new Whitening(dimensions, values, await digestOf(new Uint8Array(values.buffer)));
  }

  /** The same from its {@link bytes}. @throws PipeError `whitening-damaged`. */
  static async from(bytes: Uint8Array): Promise<Whitening> {
    const body = bytes.slice(0, -digestBytes);
    const values = new Float64Array(body.buffer, 0, Math.floor(body.length / 8));
    const dimensions = Math.floor(Math.sqrt(values.length));
    const digest = await digestOf(body);
    const isWhole =
      dimensions > 0 &&
      body.length === 8 * dimensions * (dimensions + 1) &&
      digest.every((byte, at) => byte === bytes[body.length + at]);
    if (isWhole) return new Whitening(dimensions, values, digest);
    throw new PipeError("whitening-damaged", "These bytes are no whole whitening.", {
      expected: "a mean, a factor and their SHA-256",
      got: `${bytes.length} bytes that do not fit together`,
      fix: "estimate it again",
    });
  }

  /** The whitened vector, of any length. @throws RangeError where it has other dimensions. */
  apply(vector: Float32Array): Float32Array {
    if (vector.length !== this.dimensions) throw new RangeError(`${vector.length} numbers for ${this.dimensions}`);
    const centred = Float64Array.from(vector, (value, i) => value - this.#mean[i]!);
    return Float32Array.from(solveLower(this.#factor, centred));
  }

  /** All of it, with a checksum. */
  bytes(): Uint8Array {
    return this.#bytes.slice();
  }
}

function meanOf(sample: readonly Float32Array[], dimensions: number): Float64Array {
  const mean = new Float64Array(dimensions);
  for (const vector of sample) for (let i = 0; i < dimensions; i++) mean[i]! += vector[i]!;
  return mean.map((sum) => sum / sample.length);
}

/** The lower triangle of the covariance; the rest stays zero. */
function covarianceOf(sample: readonly Float32Array[], mean: Float64Array): Float64Array {
  const dimensions = mean.length;
  const covariance = new Float64Array(dimensions * dimensions);
  for (const vector of sample) {
    const centred = mean.map((value, i) => vector[i]! - value);
    for (let i = 0; i < dimensions; i++) {
      const scaled = centred[i]! / sample.length;
      for (let j = 0; j <= i; j++) covariance[i * dimensions + j]! += scaled * centred[j]!;
    }
  }
  return covariance;
}

async function digestOf(bytes: Uint8Array<ArrayBuffer>): Promise<Uint8Array> {
  return new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
}
