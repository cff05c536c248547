/**
 * An engine that compiles traced programs with XLA, on any device that has a PJRT plug-in.
 *
 * @packageDocumentation
 */
export { compileAhead, type AheadOptions, type AheadReport } from "./compile-ahead.ts";
export { createXlaEngine, type XlaEngineOptions } from "./create-engine.ts";
export { lower, type LowerOptions, type StableHloProgram } from "./lower.ts";
export type { Mesh } from "./mesh.ts";
export type { CreateOptions } from "./pjrt/named-values.ts";
export type { XlaFlags } from "./pjrt/compile-options.ts";
export type { Hosts } from "./hosts/hosts.ts";
