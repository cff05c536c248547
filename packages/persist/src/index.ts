/**
 * Run folders, safetensors, and checkpoints that are complete or absent.
 *
 * @packageDocumentation
 */
export { ModelCheckpointer, type ModelCheckpointerOptions } from "./model-checkpointer.ts";
export type { LoadedCheckpoint } from "./checkpoint-reader.ts";
export { StateManager } from "./state-manager.ts";
export { CheckpointScheduler, type BestCheckpoint, type CheckpointSchedule } from "./checkpoint-scheduler.ts";
export { findCheckpoint, type CheckpointName } from "./find-checkpoint.ts";
export { resolveCheckpoint } from "./resolve-checkpoint.ts";
export { ModelLoader, type LoadOptions, type SkippedWeights } from "./model-loader.ts";
export { writeWeights } from "./weights-writer.ts";
export { createFolderAtomic } from "./atomic.ts";
export { createRun, listRuns, openRun, removeRun, type RunFolder, type RunInfo } from "./run-folder.ts";
export { lockRun } from "./run-lock.ts";
export { openSafetensors, type SafetensorsFile } from "./safetensors-reader.ts";
export { writeSafetensors } from "./safetensors-writer.ts";
export type { NamedSpec, SafetensorsHeader, StoredTensor } from "./safetensors-header.ts";
export type { FileDigest } from "./hashed-file.ts";
