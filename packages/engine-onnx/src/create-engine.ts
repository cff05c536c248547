import { availableParallelism } from "node:os";
import { Worker } from "node:worker_threads";
import type { IEngine } from "@pipe/core";
import { PipeError } from "@pipe/core";
import { Connection, type Port } from "./connection.ts";
import { OnnxEngine } from "./onnx-engine.ts";

/** How the engine computes. */
export type OnnxEngineOptions = {
  /** Threads of one op; default all cores. The same bits come from run to run at the same number. */
  readonly threads?: number | undefined;
  /**
   * Folder in which each program leaves a trace of its ops when it is disposed, in Chrome's trace format, which Perfetto
   * opens. Profiling costs time and memory with every run.
   */
  readonly profile?: string | undefined;
};

/**
 * Starts an engine that compiles programs with ONNX Runtime on the CPU, in a worker of its own.
 * @throws PipeError `engine-missing` where onnxruntime-node is not installed, `threads-invalid`.
 */
export async function createOnnxEngine(options: OnnxEngineOptions = {}): Promise<IEngine> {
  const isSource = import.meta.url.endsWith(".ts");
  const worker = new Worker(new URL(isSource ? "./session.worker.ts" : "./session.worker.js", import.meta.url), {
    ...(isSource ? { execArgv: ["--conditions=@pipe/source"] } : {}),
  });
  return connectOnnxEngine(worker as unknown as Port, () => worker.terminate(), options);
}

/** Opens an engine over a channel to a session host. */
export async function connectOnnxEngine(
  port: Port,
  stop: () => Promise<unknown>,
  { threads = availableParallelism(), profile }: OnnxEngineOptions,
): Promise<OnnxEngine> {
  const connection = new Connection(port);
  try {
    if (!Number.isInteger(threads) || threads < 1) {
      throw new PipeError("threads-invalid", "The number of threads must be a positive integer.", {
        got: String(threads),
      });
    }
    const { version } = await connection.send({ type: "open", threads, ...(profile === undefined ? {} : { profile }) });
    const name = `ONNX Runtime ${version}`;
    return new OnnxEngine(
      connection,
      { kind: "cpu", name, count: 1, dtypes: ["float32", "int32", "bool"], threads },
      stop,
    );
  } catch (error) {
    await stop();
    throw error;
  }
}
