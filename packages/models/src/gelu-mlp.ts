import { dropout, gelu } from "@pipe/graph/ops";
import { linear, linearParameters, residualDeviation } from "./linear.ts";
import type { MLPStrategy } from "./strategies.ts";

/** Two linear layers with a GELU between them, as in GPT-2. */
export const geluMLP: MLPStrategy = {
  kind: "gelu",
  parameters: (prefix, { width, hidden, layers }) => [
    ...linearParameters(`${prefix}.c_fc`, width, hidden),
    ...linearParameters(`${prefix}.c_proj`, hidden, width, residualDeviation(layers)),
  ],
  forward: (x, params, prefix, { dropout: rate }, context) =>
    dropout(linear(gelu(linear(x, params, `${prefix}.c_fc`)), params, `${prefix}.c_proj`), rate, context),
};
