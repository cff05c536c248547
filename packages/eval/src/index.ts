/**
 * Evaluation of language models and text generation.
 *
 * @packageDocumentation
 */
export { ModelEvaluator, type ModelEvaluatorOptions } from "./model-evaluator.ts";
export { MetricsCalculator } from "./metrics-calculator.ts";
export { accuracyMetric, bitsPerByteMetric, lossMetric, perplexityMetric } from "./metrics.ts";
export { EvaluationScheduler } from "./evaluation-scheduler.ts";
export { EarlyStopping, type EarlyStoppingOptions } from "./early-stopping.ts";
export {
  TextGenerator,
  type ContinueOptions,
  type GenerateOptions,
  type TextGeneratorOptions,
} from "./text-generator.ts";
export { sampleToken, type SamplingOptions } from "./sampling.ts";
