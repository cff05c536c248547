import type { ParameterSpec, Params } from "@pipe/core";
import * as tf from "@pipe/graph/tf";

/** Deviation of GPT-2's initial weights. */
const DEVIATION = 0.02;

/** Deviation for the projections that add to the residual stream: smaller with depth, so that its variance stays. */
export function residualDeviation(layers: number): number {
  return DEVIATION / Math.sqrt(2 * layers);
}

/** A parameter of GPT-2, known to the outside as `transformer.<name>`; matrices decay, vectors do not. */
export function parameter(
  name: string,
  shape: readonly number[],
  init: ParameterSpec["init"] = { kind: "normal", deviation: DEVIATION },
): ParameterSpec {
  const block = /^h\.\d+/.exec(name)?.[0];
  return {
    name,
    shape,
    dtype: "float32",
    init,
    decay: shape.length >= 2,
    trainable: true,
    ...(block === undefined ? {} : { block }),
    external: { name: `transformer.${name}` },
  };
}

/** Weight [in, out] and bias [out] of a linear layer. */
export function linearParameters(
  prefix: string,
  inputs: number,
  outputs: number,
  deviation = DEVIATION,
): ParameterSpec[] {
  return [
    parameter(`${prefix}.weight`, [inputs, outputs], { kind: "normal", deviation }),
    parameter(`${prefix}.bias`, [outputs], { kind: "zeros" }),
  ];
}

/** Gain and bias [width] of a layer normalisation. */
export function normParameters(prefix: string, width: number): ParameterSpec[] {
  return [
    parameter(`${prefix}.weight`, [width], { kind: "ones" }),
    parameter(`${prefix}.bias`, [width], { kind: "zeros" }),
  ];
}

/** x · weight + bias over the last axis of [B, T, in] → [B, T, out]. */
export function linear(x: tf.Tensor, params: Params, prefix: string): tf.Tensor {
  const weight = params[`${prefix}.weight`]!;
  const [inputs, outputs] = weight.shape as [number, number];
  const rows = tf.reshape(x, [-1, inputs]);
  const product = tf.add(tf.matMul(rows, weight), params[`${prefix}.bias`]!);
  return tf.reshape(product, [...x.shape.slice(0, -1), outputs]);
}
