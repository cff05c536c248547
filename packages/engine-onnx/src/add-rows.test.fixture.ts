import { type IEngine, Random } from "@pipe/core";
import * as tf from "@pipe/graph/tf";

/**
 * Adds thousands of rows to a few, again and again, and counts the runs whose sums are right. The rows are whole numbers: their
 * sum is exact in any order, so that only what is lost can differ.
 */
export async function rightSums(engine: IEngine, runs: number): Promise<number> {
  const [count, rows, width] = [3001, 64, 192];
  const random = new Random(1);
  const ids = Int32Array.from({ length: count }, () => random.integer(rows));
  const given = Float32Array.from({ length: count * width }, () => random.integer(100));
  const base = new Float32Array(rows * width).fill(1);
  const expected = base.slice();
  given.forEach((value, i) => (expected[ids[Math.floor(i / width)]! * width + (i % width)]! += value));
  const executable = await engine.compile(
    (inputs: { base: tf.Tensor; ids: tf.Tensor; given: tf.Tensor }) => {
      const at = inputs.ids as tf.Tensor1D;
      const sum = tf.add(inputs.base, tf.unsortedSegmentSum(inputs.given, at, rows));
      return { sum, alone: tf.unsortedSegmentSum(tf.cast(inputs.given, "int32"), at, rows) };
    },
    {
      base: { shape: [rows, width], dtype: "float32" },
      ids: { shape: [count], dtype: "int32" },
      given: { shape: [count, width], dtype: "float32" },
    },
  );
  let right = 0;
  for (let run = 0; run < runs; run++) {
    const { sum, alone } = await executable.run({ base, ids, given });
    const [added, whole] = await Promise.all([sum.read(), alone.read()]);
    if (expected.every((value, i) => added[i] === value && whole[i] === value - 1)) right++;
    sum[Symbol.dispose]();
    alone[Symbol.dispose]();
  }
  return right;
}
