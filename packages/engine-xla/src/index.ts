/**
 * An engine that compiles traced programs with XLA, on any device that has a PJRT plug-in.
 *
 * @packageDocumentation
 */
export { createXlaEngine, type XlaEngineOptions } from "./create-engine.ts";
export { lower, type LowerOptions, type StableHloProgram } from "./lower.ts";
