import { MessageChannel, Worker } from "node:worker_threads";
import { workerEntry } from "@pipe/core";
import type { Port } from "../connection.ts";

let worker: Worker | undefined;

/**
 * Opens a channel to the one worker of the process in which all engines on WebGPU compute: ONNX Runtime shares a WebGPU context
 * among all sessions of a process, and it breaks when two threads use it. The worker stays for the next engine.
 */
export function joinGpuWorker(): { readonly port: Port; stop(): Promise<unknown> } {
  worker ??= startWorker();
  const { port1, port2 } = new MessageChannel();
  worker.postMessage(port2, [port2]);
  return { port: port1 as unknown as Port, stop: async () => port1.close() };
}

function startWorker(): Worker {
  const { url, options } = workerEntry(import.meta.url, "gpu");
  const started = new Worker(url, options);
  // An engine keeps the process alive through its own channel; an error there closes all channels, which tells engines.
  started.unref();
  started.on("error", () => undefined);
  started.on("exit", () => {
    worker = undefined;
  });
  return started;
}
