/**
 * An engine that runs traced programs op by op on any tfjs backend: `@tensorflow/tfjs-node-gpu`, `tfjs-node`, wasm,
 * WebGPU or plain JavaScript.
 *
 * @packageDocumentation
 */
export { createTfjsEngine, type TfjsEngineOptions } from "./create-engine.ts";
export { tfjsBackends, type TfjsBackend, type TfjsBackendName } from "./backends.ts";
