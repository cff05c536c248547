import { dropout } from "@pipe/graph/ops";
import * as tf from "@pipe/graph/tf";
import { linear, linearParameters, residualDeviation } from "./linear.ts";
import type { MLPStrategy } from "./strategies.ts";

/** Two linear layers with the square of a ReLU between them (So et al., 2021, "Primer"). */
export const reluSquaredMLP: MLPStrategy = {
  kind: "relu-squared",
  parameters: (prefix, { width, hidden, layers }) => [
    ...linearParameters(`${prefix}.c_fc`, width, hidden),
    ...linearParameters(`${prefix}.c_proj`, hidden, width, residualDeviation(layers)),
  ],
  forward: (x, params, prefix, { dropout: rate }, context) => {
    const open = tf.square(tf.relu(linear(x, params, `${prefix}.c_fc`)));
    return dropout(linear(open, params, `${prefix}.c_proj`), rate, context);
  },
};
