/**
 * An engine that compiles traced programs with ONNX Runtime and keeps their state in one worker.
 *
 * @packageDocumentation
 */
export { createOnnxEngine, type OnnxEngineOptions } from "./create-engine.ts";
export { type OnnxFile, writeOnnx, type WriteOnnxOptions } from "./write-onnx.ts";
export { lower, type LoweredProgram } from "./lower.ts";
export type { Provider } from "./providers.ts";
