import * as tf from "./tf.ts";

/** Takes a tensor's present values into a program as a constant. */
export function constant<T extends tf.Tensor>(tensor: T): T {
  return tf.tensor(tensor.dataSync(), tensor.shape, tensor.dtype) as T;
}
