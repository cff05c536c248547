import { sizeOf } from "@pipe/core";
import * as tf from "../tf.ts";

const HALF = 4096;

/** x mod 2¹², exact in float32 for non-negative x below 2²⁴. */
function low(x: tf.Tensor): tf.Tensor {
  return tf.sub(x, tf.mul(tf.floor(tf.mul(x, 1 / HALF)), HALF));
}

/** The middle bits of x · factor: a function of one half that a Feistel round adds to the other. */
function middle(x: tf.Tensor, factor: number): tf.Tensor {
  return tf.floor(tf.mul(tf.mul(x, factor), 1 / 64));
}

/** Odd multipliers below 2¹², one a round. */
const FACTORS = [3323, 2531, 3779, 2089, 3067, 2707] as const;

/** Feistel rounds on two halves of 12 bits: all products stay below 2²⁴, so float32 computes them exactly. */
function mix([left, right]: readonly [tf.Tensor, tf.Tensor], rounds: number): [tf.Tensor, tf.Tensor] {
  let [a, b] = [left, right];
  for (let round = 0; round < rounds; round++) {
    [a, b] = [b, low(tf.add(a, middle(tf.add(b, round + 1), FACTORS[round % FACTORS.length]!)))];
  }
  return [a, b];
}

/** Four hashed words of 12 bits for each of the numbers 0 … count-1, in a given shape. */
function words(count: number, shape: number[], key: readonly [tf.Tensor | number, tf.Tensor | number]): tf.Tensor[] {
  const numbers = tf.reshape(tf.range(0, count, 1, "float32"), shape);
  const high = tf.floor(tf.mul(numbers, 1 / HALF));
  const first = mix([low(tf.add(low(numbers), key[0])), low(tf.add(high, key[1]))], 6);
  return [...first, ...mix(first, 6)];
}

/** Half of a word, in [0, 2¹¹). */
function half(word: tf.Tensor): tf.Tensor {
  return tf.floor(tf.mul(word, 0.5));
}

/**
 * 1 with probability 1 - rate and 0 otherwise, from a counter hash of (seed, place, element).
 *
 * All arithmetic is on integers below 2²⁴ in float32, so every engine makes the same mask bit for bit. `seed` is int32
 * [2], both in [0, 2²⁴). Rows (all axes but the last) and columns are hashed apart, which costs little; each element then
 * multiplies words of its row and column three times. `rate` is rounded to a multiple of 1/4096.
 */
export function randomMask(seed: tf.Tensor, place: number, shape: readonly number[], rate: number): tf.Tensor {
  const columns = shape.at(-1) ?? 1;
  const rows = sizeOf(shape.slice(0, -1));
  const seeds = tf.cast(seed, "float32");
  const halves = (i: number): [tf.Tensor, tf.Tensor] => {
    const word = tf.slice(seeds, [i], [1]);
    return [low(word), low(tf.floor(tf.mul(word, 1 / HALF)))];
  };
  const run = mix(halves(0), 4);
  const step = halves(1);
  const key = mix(
    [
      low(tf.add(tf.add(run[0], step[0]), place % HALF)),
      low(tf.add(tf.add(run[1], step[1]), Math.floor(place / HALF))),
    ],
    6,
  );
  const row = words(rows, [rows, 1], key);
  const column = words(columns, [1, columns], [0, 1]);
  // Multipliers lie in [2¹¹, 2¹²) and carry the division by 2⁶ that takes the middle bits.
  const multiplier = (word: tf.Tensor): tf.Tensor => tf.mul(tf.add(half(word), HALF / 2), 1 / 64);
  const start = tf.add(half(row[0]!), half(column[0]!));
  const second = low(tf.add(tf.floor(tf.mul(start, multiplier(column[1]!))), row[1]!));
  const third = low(tf.add(tf.floor(tf.mul(second, multiplier(row[2]!))), column[2]!));
  const last = low(tf.add(tf.floor(tf.mul(third, FACTORS[0] / 64)), row[3]!));
  return tf.reshape(tf.cast(tf.greaterEqual(last, Math.round(rate * HALF)), "float32"), [...shape]);
}
