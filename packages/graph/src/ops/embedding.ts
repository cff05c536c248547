import { defineComposite } from "../composite.ts";
import * as tf from "../tf.ts";

const op = defineComposite({
  name: "embedding",
  infer: ([table, ids]) => [{ shape: [...ids!.shape, table!.shape[1]!], dtype: "float32" }],
  decompose: ([table, ids]) => [tf.gather(table!, ids as tf.Tensor1D)],
  gradient: ([dy], { inputs: [table, ids] }) => {
    const [rows, width] = table!.shape as [number, number];
    const flat = tf.reshape(dy!, [ids!.size, width]);
    return [tf.unsortedSegmentSum(flat, tf.reshape(ids!, [ids!.size]) as tf.Tensor1D, rows), undefined];
  },
});

/** Looks rows up: `table` [V, C], `ids` int32 [...] → [..., C]; the gradient adds up the rows of equal ids. */
export function embedding(table: tf.Tensor, ids: tf.Tensor): tf.Tensor {
  return op([table, ids])[0]!;
}
