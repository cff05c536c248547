import { dropout } from "@pipe/graph/ops";
import * as tf from "@pipe/graph/tf";
import { linear, linearParameters, residualDeviation } from "./linear.ts";
import type { MLPStrategy } from "./strategies.ts";

/**
 * A linear layer gated by another through SiLU (Shazeer, 2020, "GLU Variants Improve Transformer"): half as many parameters
 * again as two layers of the same `hidden`, so that 8/3 × width is as large as GPT-2's 4 × width.
 */
export const swigluMLP: MLPStrategy = {
  kind: "swiglu",
  parameters: (prefix, { width, hidden, layers }) => [
    ...linearParameters(`${prefix}.c_gate`, width, hidden),
    ...linearParameters(`${prefix}.c_fc`, width, hidden),
    ...linearParameters(`${prefix}.c_proj`, hidden, width, residualDeviation(layers)),
  ],
  forward: (x, params, prefix, { dropout: rate }, context) => {
    const gate = linear(x, params, `${prefix}.c_gate`);
    const open = tf.mul(tf.mul(gate, tf.sigmoid(gate)), linear(x, params, `${prefix}.c_fc`));
    return dropout(linear(open, params, `${prefix}.c_proj`), rate, context);
  },
};
