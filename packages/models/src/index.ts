/**
 * GPT-2 as a pure tfjs program, with exchangeable attention and MLP.
 *
 * @packageDocumentation
 */
export { GPT2Model, type GPT2Parts } from "./gpt2-model.ts";
export type { GPT2Options } from "./gpt2-config.ts";
export { logitsProgram } from "./logits-program.ts";
export { modelFromConfig } from "./from-config.ts";
export { ModelOptimizer, type ModelOptimizerOptions, type StepPlan } from "./model-optimizer.ts";
export { compileModel, type CompiledModel, type CompileModelOptions, type ModelShapes } from "./compile-model.ts";
export type {
  DecodeInputs,
  DecodingStep,
  EmbeddingInputs,
  LossInputs,
  LossSums,
  PrefillInputs,
} from "./model-programs.ts";
export { ModelFactory } from "./model-factory.ts";
export { ModelEmbedder, type ModelEmbedderOptions } from "./model-embedder.ts";
export { Whitening } from "./whitening.ts";
export { createAttention, createMLP, type AttentionConfig, type MLPConfig } from "./built-in-strategies.ts";
export { multiHeadAttention, slidingWindowAttention } from "./multi-head-attention.ts";
export { groupedQueryAttention } from "./grouped-query-attention.ts";
export { geluMLP } from "./gelu-mlp.ts";
export { swigluMLP } from "./swiglu-mlp.ts";
export { reluSquaredMLP } from "./relu-squared-mlp.ts";
export type { AttentionCache, AttentionStrategy, BlockShape, CachedAttention, MLPStrategy } from "./strategies.ts";
export { linear, linearParameters, normParameters, parameter, residualDeviation } from "./linear.ts";
