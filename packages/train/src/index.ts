/**
 * The training loop: compiled steps, stages, budgets and resume.
 *
 * @packageDocumentation
 */
export { nonFiniteStage, type NonFiniteStageOptions } from "./non-finite-stage.ts";
export { firstBatches } from "./first-batches.ts";
export { fit, type FitBatch, type FitOptions, type FitResult } from "./fit.ts";
export { anyOf, type DistributedContext, fromMain, singleProcess } from "./distributed/distributed-context.ts";
export { TrainingOrchestrator, type TrainingParts } from "./training-orchestrator.ts";
export { TrainingStepProcessor, type StepFigures, type TrainingStepOptions } from "./training-step-processor.ts";
export { stepProgram, type StepInputs, type StepOutputs, type StepParts, type TracedState } from "./step-program.ts";
export { BatchProcessor } from "./batch-processor.ts";
export { EpochManager, type Budget } from "./epoch-manager.ts";
export { divergenceStage } from "./divergence-stage.ts";
export { DivergenceGuard, type DivergenceGuardOptions } from "./divergence-guard.ts";
export { checkpointStage, evaluationStage, sampleStage } from "./stages.ts";
export { initialize } from "./initialize.ts";
export { meanGradients } from "./mean-gradients.ts";
