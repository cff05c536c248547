/**
 * Optimizers, gradient processing and learning-rate schedules that are traced into the training step.
 *
 * @packageDocumentation
 */
export { AdamWOptimizer, type AdamWOptions } from "./adamw.ts";
export { GradientProcessor, type GradientProcessorOptions } from "./gradient-processor.ts";
export { constantSchedule, cosineSchedule, type CosineOptions, type WarmupOptions } from "./schedules.ts";
export { LearningRateSchedulerFactory, OptimizerFactory } from "./factories.ts";
