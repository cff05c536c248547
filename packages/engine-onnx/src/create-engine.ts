import { availableParallelism } from "node:os";
import { Worker } from "node:worker_threads";
import type { DeviceInfo, IEngine } from "@pipe/core";
import { PipeError, workerEntry } from "@pipe/core";
import { Connection, type Port } from "./connection.ts";
import { joinGpuWorker } from "./gpu/gpu-worker.ts";
import { OnnxEngine } from "./onnx-engine.ts";
import type { Provider } from "./providers.ts";

/** How the engine computes. */
export type OnnxEngineOptions = {
  /**
   * What computes: `"cpu"` by default; `"webgpu"`, any GPU with a driver for Vulkan, Metal or Direct3D 12, on which state stays
   * between runs; `"cuda"`, where onnxruntime-node was installed with it.
   */
  readonly provider?: Provider | undefined;
  /** Threads of one op on the processor; default all cores. The same bits come from run to run at the same number. */
  readonly threads?: number | undefined;
  /**
   * Folder in which each program leaves a trace of its ops when it is disposed, in Chrome's trace format, which Perfetto
   * opens. Profiling costs time and memory with every run.
   */
  readonly profile?: string | undefined;
};

/**
 * Starts an engine that compiles programs with ONNX Runtime, in a worker.
 * @throws PipeError `engine-missing` where onnxruntime-node is not installed, `provider-missing` where it cannot compute with
 * the provider here, `threads-invalid`.
 */
export async function createOnnxEngine(options: OnnxEngineOptions = {}): Promise<IEngine> {
  const { port, stop } = options.provider === "webgpu" ? joinGpuWorker() : startWorker();
  return connectOnnxEngine(port, stop, options);
}

function startWorker(): { readonly port: Port; stop(): Promise<unknown> } {
  const { url, options } = workerEntry(import.meta.url, "session");
  const worker = new Worker(url, options);
  return { port: worker as unknown as Port, stop: () => worker.terminate() };
}

/** Opens an engine over a channel to a session host. */
export async function connectOnnxEngine(
  port: Port,
  stop: () => Promise<unknown>,
  { provider = "cpu", threads = availableParallelism(), profile }: OnnxEngineOptions,
): Promise<OnnxEngine> {
  const connection = new Connection(port);
  try {
    if (!Number.isInteger(threads) || threads < 1) {
      throw new PipeError("threads-invalid", "The number of threads must be a positive integer.", {
        got: String(threads),
      });
    }
    const { version } = await connection.send({
      type: "open",
      provider,
      threads,
      ...(profile === undefined ? {} : { profile }),
    });
    return new OnnxEngine(connection, provider, deviceOf(provider, version, threads), stop);
  } catch (error) {
    await stop();
    throw error;
  }
}

function deviceOf(provider: Provider, version: string, threads: number): DeviceInfo {
  const name = `ONNX Runtime ${version}`;
  const dtypes = ["float32", "int32", "bool"] as const;
  if (provider === "cpu") return { kind: "cpu", name, count: 1, dtypes, threads };
  return { kind: "gpu", name: `${name}, ${provider === "cuda" ? "CUDA" : "WebGPU"}`, count: 1, dtypes };
}
