/**
 * Numeric ops that tfjs lacks, or has without a closed-form gradient. Each is one node of a traced graph, and plain tfjs
 * on any other backend.
 *
 * @packageDocumentation
 */
export { allFinite } from "./all-finite.ts";
export { barrier } from "./barrier.ts";
export { cachedAttention, updateSlice } from "./cached-attention.ts";
export { causalAttention } from "./causal-attention.ts";
export { choose } from "./choose.ts";
export { dropout } from "./dropout.ts";
export { embedding } from "./embedding.ts";
export { gelu } from "./gelu.ts";
export { layerNorm } from "./layer-norm.ts";
export { linearCrossEntropy } from "./linear-cross-entropy.ts";
export { randomMask } from "./random-mask.ts";
export { sparseCrossEntropy } from "./sparse-cross-entropy.ts";
