import type { TensorSpec } from "@pipe/core";
import type { Attributes } from "@pipe/graph";
import type { HloValue } from "../hlo/hlo-writer.ts";
import { type AttentionOptions, cudnnAttention, cudnnAttentionGradient } from "./cudnn-attention.ts";
import { type Lowered, type Lowering, shortType, type Target } from "./lowering.ts";

/** The widest head of cuDNN's kernels for both directions. */
const WIDEST = 128;
/** Inputs without a seed: dropout is not among what the kernel computes as we do. */
const INPUTS: { readonly [op: string]: number } = { causalAttention: 3, causalAttentionGradient: 5 };

/**
 * Whether cuDNN computes an attention of ours: on CUDA, in a short type, causal over all positions, without dropout or
 * window, with heads whose width is a multiple of 8.
 */
export function isFused(
  { platform, precision }: Target,
  op: string,
  inputs: readonly TensorSpec[],
  { window }: Attributes,
): boolean {
  if (platform !== "cuda" || precision === "fp32" || inputs.length !== INPUTS[op] || window !== undefined) return false;
  const [q, k, v] = inputs.map(({ shape }) => shape);
  if (q!.length !== 4 || q!.join() !== k!.join() || q!.join() !== v!.join()) return false;
  const width = q![3]!;
  return width % 8 === 0 && width <= WIDEST;
}

function optionsOf({ inputs: [q], attributes, mesh, target }: Lowered): AttentionOptions {
  const devices = q!.shape[0]! % mesh.data === 0 ? mesh.data : 1;
  return { scale: attributes["scale"] as number, dtype: shortType(target.precision), devices };
}

/** Attention by fused kernels; see {@link isFused}. */
export const attentionLowerings: { readonly [op: string]: Lowering } = {
  causalAttention: (lowered) => {
    const { hlo, inputs, notes } = lowered;
    const options = optionsOf(lowered);
    const narrow = inputs.map((input) => hlo.convert(input, options.dtype));
    const [y, stats] = cudnnAttention(hlo, narrow, options);
    const wide = hlo.convert(y, "float32");
    notes.set(wide.name, [y, stats]);
    return wide;
  },
  causalAttentionGradient: (lowered) => {
    const { hlo, inputs, notes } = lowered;
    const options = optionsOf(lowered);
    const [q, k, v, narrow, dy] = inputs.map((input) => hlo.convert(input, options.dtype)) as Five;
    // A forward pass that went through other ops in between is computed again for what it leaves.
    const [y, stats] = notes.get(inputs[3]!.name) ?? [narrow, cudnnAttention(hlo, [q, k, v], options)[1]];
    const gradients = cudnnAttentionGradient(hlo, [q, k, v, y!, dy], stats!, options);
    return gradients.map((gradient) => hlo.convert(gradient, "float32"));
  },
};

type Five = [q: HloValue, k: HloValue, v: HloValue, y: HloValue, dy: HloValue];
