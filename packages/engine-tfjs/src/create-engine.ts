import type { IEngine } from "@pipe/core";
import { PipeError } from "@pipe/core";
import * as tf from "@pipe/graph/tf";
import { loadBackend, type TfjsBackendName } from "./backends.ts";
import { TfjsEngine } from "./tfjs-engine.ts";

/** How the engine computes. */
export type TfjsEngineOptions = {
  /** Which backend; default `"cpu"`, which needs no further package. */
  readonly backend?: TfjsBackendName | undefined;
  /** Folder of the backend's package, where it is not installed beside this one. */
  readonly module?: string | undefined;
};

/**
 * Starts an engine that runs programs op by op on a tfjs backend.
 *
 * Computing happens in the calling thread, and blocks it, except on WebGPU. The backend that tfjs used before is in use again after each run.
 * @throws PipeError `engine-missing` where the backend's package is not installed or does not work on this machine.
 */
export async function createTfjsEngine({ backend: name = "cpu", module }: TfjsEngineOptions = {}): Promise<IEngine> {
  tf.enableProdMode();
  // Before the backend's package is imported: tfjs would start with whichever has the highest priority.
  await tf.ready();
  const before = tf.getBackend();
  const backend = loadBackend(name, module);
  const isReady = await tf.setBackend(backend.registers).catch(() => false);
  await tf.setBackend(before);
  if (!isReady) {
    throw new PipeError("engine-missing", `The tfjs backend "${name}" cannot start on this machine.`, {
      expected: backend.about,
      fix: "take another backend, or another engine",
    });
  }
  return new TfjsEngine(backend);
}
