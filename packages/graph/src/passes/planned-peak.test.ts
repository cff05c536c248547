import { expect, it } from "vitest";
import * as tf from "../tf.ts";
import { trace } from "../trace.ts";
import { plannedPeak } from "./planned-peak.ts";

it("counts inputs, and each value until it and its other shapes were used last", () => {
  const graph = trace(
    ({ x }: { x: tf.Tensor }) => {
      const square = tf.reshape(tf.neg(x), [2, 2]);
      return { y: tf.mul(square, tf.reshape(tf.exp(x), [2, 2])), z: tf.neg(square) };
    },
    { x: { shape: [4], dtype: "float32" } },
  );
  // x, -x, y and z at the end; eˣ is forgotten when y is there.
  expect(plannedPeak(graph)).toBe(4 * 4 * 4);
});
