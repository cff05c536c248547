/**
 * Optimizers, gradient processing and learning-rate schedules that are traced into the training step.
 *
 * @packageDocumentation
 */
export { AdamWOptimizer, type AdamWOptions } from "./optimizers/adamw.ts";
export { AdamOptimizer, type AdamOptions } from "./optimizers/adam.ts";
export { LionOptimizer, type LionOptions } from "./optimizers/lion.ts";
export { AdafactorOptimizer, type AdafactorOptions } from "./optimizers/adafactor.ts";
export { MuonOptimizer, type MuonOptions } from "./optimizers/muon.ts";
export { SgdOptimizer, type SgdOptions } from "./optimizers/sgd.ts";
export { GradientProcessor, type GradientProcessorOptions } from "./gradient-processor.ts";
export { MixedPrecisionManager, type MixedPrecisionOptions } from "./mixed-precision-manager.ts";
export { constantSchedule } from "./schedules/constant.ts";
export { cosineSchedule, type CosineOptions } from "./schedules/cosine.ts";
export { linearSchedule, type LinearOptions } from "./schedules/linear.ts";
export { wsdSchedule, type WsdOptions } from "./schedules/wsd.ts";
export { oneCycleSchedule, type OneCycleOptions } from "./schedules/one-cycle.ts";
export { inverseSqrtSchedule, type InverseSqrtOptions } from "./schedules/inverse-sqrt.ts";
export type { WarmupOptions } from "./schedules/warm-up.ts";
export type { DecayOptions } from "./schedules/decay.ts";
export { LearningRateSchedulerFactory, OptimizerFactory } from "./factories.ts";
export {
  LearningRateFinder,
  type LearningRateFinderOptions,
  type LearningRatePoint,
  type LearningRateReport,
  type LearningRateTrial,
} from "./learning-rate-finder.ts";
