import type { HostArray } from "@pipe/core";
import { messageOf, PipeError } from "@pipe/core";
import type { InferenceSession } from "onnxruntime-node";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { HostProgram } from "./host-program.ts";
import type { Answers, Envelope, Reply, Request } from "./protocol.ts";
import { TensorStore } from "./tensor-store.ts";

type Runtime = typeof import("onnxruntime-node");

/** Outputs up to this size come back with the run: losses and counts. */
const SMALL_BYTES = 1024;

/** Both ends of a message channel that a host needs; a worker's `parentPort` and a `MessagePort` fit. */
export type HostPort = {
  on(event: "message", listener: (envelope: Envelope) => void): unknown;
  postMessage(reply: Reply, transfer?: readonly ArrayBuffer[]): void;
};

/** Owns ONNX Runtime's sessions and all tensors; serves one request after the other. */
export class SessionHost {
  readonly #store = new TensorStore();
  readonly #programs = new Map<number, HostProgram>();
  #runtime: Runtime | undefined;
  #threads = 1;
  #profile: string | undefined;

  /** Serves a port until it closes. */
  static serve(port: HostPort): SessionHost {
    const host = new SessionHost();
    let queue = Promise.resolve();
    port.on("message", ({ sequence, request }) => {
      queue = queue.then(async () => {
        const [reply, transfer] = await host.#reply(sequence, request);
        port.postMessage(reply, transfer);
      });
    });
    return host;
  }

  async #reply(sequence: number, request: Request): Promise<[Reply, ArrayBuffer[]]> {
    try {
      const answer = await this.#answer(request);
      const transfer = request.type === "read" ? [(answer as HostArray).buffer as ArrayBuffer] : [];
      return [{ sequence, pooledBytes: this.#pooledBytes(), ok: true, answer }, transfer];
    } catch (error) {
      const code = PipeError.is(error) ? error.code : "engine-failed";
      return [{ sequence, pooledBytes: this.#pooledBytes(), ok: false, code, message: messageOf(error) }, []];
    }
  }

  async #answer(request: Request): Promise<Answers[keyof Answers]> {
    switch (request.type) {
      case "open":
        return this.#open(request);
      case "compile":
        return this.#compile(request);
      case "put":
        for (const { tensor, data } of request.tensors) this.#store.set(tensor, data);
        return undefined;
      case "run":
        return this.#run(request);
      case "read":
        return this.#store.data(request.tensor).slice();
      case "copy":
        request.from.forEach((from, i) => this.#store.copy(from, request.to[i]!));
        return undefined;
      case "free":
        for (const tensor of request.tensors) this.#store.free(tensor);
        return undefined;
      case "close-executable":
        await this.#programs.get(request.executable)?.release();
        this.#programs.delete(request.executable);
        this.#store.pool.clear();
        return undefined;
    }
  }

  async #open({ threads, profile }: Extract<Request, { type: "open" }>): Promise<Answers["open"]> {
    try {
      this.#runtime = await import("onnxruntime-node");
    } catch (cause) {
      throw new PipeError("engine-missing", "The engine needs ONNX Runtime, which cannot be loaded.", {
        got: messageOf(cause).split("\n")[0]!,
        fix: "ONNXRUNTIME_NODE_INSTALL=skip npm install onnxruntime-node",
        cause,
      });
    }
    this.#threads = threads;
    this.#profile = profile;
    return { version: this.#runtime.env.versions.node ?? this.#runtime.env.versions.common };
  }

  async #compile({ executable, program }: Extract<Request, { type: "compile" }>): Promise<undefined> {
    const session = program.fetches.length === 0 ? undefined : await this.#session(program.model, executable);
    this.#programs.set(executable, new HostProgram(this.#runtime!, session, program, this.#profile !== undefined));
    return undefined;
  }

  #session(model: Uint8Array, executable: number): Promise<InferenceSession> {
    const profile = this.#profile;
    if (profile !== undefined) mkdirSync(profile, { recursive: true });
    return this.#runtime!.InferenceSession.create(model, {
      ...(profile === undefined
        ? {}
        : { enableProfiling: true, profileFilePrefix: join(profile, `program-${executable}`) }),
      intraOpNumThreads: this.#threads,
      interOpNumThreads: 1,
      executionMode: "sequential",
      graphOptimizationLevel: "all",
      // Same speed and less memory: all shapes are fixed, and arenas of two steps need not overlap.
      enableMemPattern: false,
      logSeverityLevel: 3,
      // Without the first, ScatterND adds in an order that changes from run to run; without the second, masked softmax
      // leaves denormal numbers, with which everything is many times slower.
      extra: { session: { use_deterministic_compute: "1", set_denormal_as_zero: "1" } },
    });
  }

  async #run({ executable, inputs, outputs, donated }: Extract<Request, { type: "run" }>): Promise<Answers["run"]> {
    try {
      const program = this.#programs.get(executable)!;
      const made = await program.run(this.#store, inputs, outputs, new Set(donated));
      return { small: made.map((data) => (data.byteLength <= SMALL_BYTES ? data.slice() : undefined)) };
    } catch (error) {
      const failure = PipeError.is(error)
        ? error
        : new PipeError("engine-failed", "ONNX Runtime could not run a program.", {
            got: messageOf(error),
            cause: error,
          });
      for (const output of outputs) this.#store.fail(output, failure);
      throw failure;
    } finally {
      for (const tensor of donated) this.#store.free(tensor);
    }
  }

  #pooledBytes(): number {
    const owned = [...this.#programs.values()].reduce((sum, { byteLength }) => sum + byteLength, 0);
    return this.#store.pool.bytes + owned;
  }
}
