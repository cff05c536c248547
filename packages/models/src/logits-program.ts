import type { IModel, Params } from "@pipe/core";
import { forwardContext } from "@pipe/graph";
import * as tf from "@pipe/graph/tf";

/**
 * Makes the program that exporters write: from `input_ids` int32 [B, T] to `logits` [B, T, V]. A position sees only those
 * before it, so shorter texts are padded on the right with any id, and the logits there left out.
 */
export function logitsProgram(
  model: IModel,
): (given: { readonly weights: Params; readonly inputs: Params }) => { readonly logits: tf.Tensor } {
  return ({ weights, inputs }) => {
    const ids = inputs["input_ids"]!;
    const context = forwardContext({ training: false, seed: tf.zeros([2], "int32") });
    return { logits: model.forward(weights, { ids, targets: ids, weights: tf.onesLike(ids) }, context).logits };
  };
}
