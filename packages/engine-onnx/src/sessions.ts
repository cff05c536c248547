import { mkdirSync } from "node:fs";
import { join } from "node:path";
import type { InferenceSession } from "onnxruntime-node";
import type { Provider } from "./providers.ts";

/** ONNX Runtime's module. */
export type Runtime = typeof import("onnxruntime-node");

/** How sessions compute. */
export type SessionsOptions = {
  readonly provider: Provider;
  readonly threads: number;
  /** Folder for traces. */
  readonly profile?: string;
};

/** Where an output of a session lies, by its name. */
export type OutputPlaces = { readonly [output: string]: "cpu" | "gpu-buffer" };

/** Makes ONNX Runtime's sessions. */
export class Sessions {
  readonly #runtime: Runtime;
  readonly #options: SessionsOptions;

  constructor(runtime: Runtime, options: SessionsOptions) {
    this.#runtime = runtime;
    this.#options = options;
    if (options.profile !== undefined) mkdirSync(options.profile, { recursive: true });
  }

  /** Compiles a model; `name` stands in the name of its trace. Outputs lie in the memory of the process unless said. */
  create(model: Uint8Array, name: string, places?: OutputPlaces): Promise<InferenceSession> {
    const { provider, threads, profile } = this.#options;
    return this.#runtime.InferenceSession.create(model, {
      ...(profile === undefined ? {} : { enableProfiling: true, profileFilePrefix: join(profile, name) }),
      executionProviders: [provider],
      ...(places === undefined ? {} : { preferredOutputLocation: places }),
      // A GPU needs none, and they would wait in a busy loop.
      intraOpNumThreads: provider === "webgpu" ? 1 : threads,
      interOpNumThreads: 1,
      executionMode: "sequential",
      graphOptimizationLevel: "all",
      // Same speed and less memory: all shapes are fixed, and arenas of two steps need not overlap.
      enableMemPattern: false,
      logSeverityLevel: 4,
      extra: {
        session: {
          // The first asks for the same bits from run to run, as far as kernels heed it (see addRows). Without the second,
          // masked softmax leaves denormal numbers, with which everything is many times slower.
          use_deterministic_compute: "1",
          set_denormal_as_zero: "1",
          // An op that the GPU lacks is an error, not a trip to the processor and back in every run.
          ...(provider === "webgpu" ? { disable_cpu_ep_fallback: "1" } : {}),
        },
        // It makes splits of whole numbers, for which WebGPU has no kernel.
        ...(provider === "webgpu"
          ? { optimization: { disable_specified_optimizers: "GatherSliceToSplitFusion" } }
          : {}),
      },
    });
  }

  /** Frees a session and ends its trace. */
  async release(session: InferenceSession): Promise<void> {
    // In the declarations of onnxruntime-common it is missing.
    if (this.#options.profile !== undefined) (session as unknown as { endProfiling?(): void }).endProfiling?.();
    await session.release();
  }
}
