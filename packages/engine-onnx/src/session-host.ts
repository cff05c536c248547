import type { HostArray, TensorSpec } from "@pipe/core";
import { byteSizeOf, messageOf, PipeError } from "@pipe/core";
import type { InferenceSession, Tensor } from "onnxruntime-node";
import { BufferPool } from "./buffer-pool.ts";
import type { Answers, Envelope, Reply, Request, RunInput } from "./protocol.ts";

type Runtime = typeof import("onnxruntime-node");
type Executable = { readonly session: InferenceSession } & Pick<
  Extract<Request, { type: "compile" }>,
  "inputs" | "outputs"
>;
/** A failed tensor carries the error of the run that should have made it. */
type Stored = { readonly data: HostArray } | { readonly failure: PipeError };

/** Outputs up to this size come back with the run: losses and counts. */
const SMALL_BYTES = 1024;

/** Both ends of a message channel that a host needs; a worker's `parentPort` and a `MessagePort` fit. */
export type HostPort = {
  on(event: "message", listener: (envelope: Envelope) => void): unknown;
  postMessage(reply: Reply, transfer?: readonly ArrayBuffer[]): void;
};

/** Owns ONNX Runtime's sessions and all tensors; serves one request after the other. */
export class SessionHost {
  readonly #tensors = new Map<number, Stored>();
  readonly #executables = new Map<number, Executable>();
  readonly #pool = new BufferPool();
  #runtime: Runtime | undefined;
  #threads = 1;

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
      return [{ sequence, pooledBytes: this.#pool.bytes, ok: true, answer }, transfer];
    } catch (error) {
      const code = PipeError.is(error) ? error.code : "engine-failed";
      return [{ sequence, pooledBytes: this.#pool.bytes, ok: false, code, message: messageOf(error) }, []];
    }
  }

  async #answer(request: Request): Promise<Answers[keyof Answers]> {
    switch (request.type) {
      case "open":
        return this.#open(request.threads);
      case "compile":
        return this.#compile(request);
      case "put":
        for (const { tensor, data } of request.tensors) this.#tensors.set(tensor, { data });
        return undefined;
      case "run":
        return this.#run(request);
      case "read":
        return this.#data(request.tensor).slice();
      case "copy":
        request.from.forEach((from, i) => this.#copy(from, request.to[i]!));
        return undefined;
      case "free":
        for (const tensor of request.tensors) this.#free(tensor);
        return undefined;
      case "close-executable":
        await this.#executables.get(request.executable)?.session.release();
        this.#executables.delete(request.executable);
        this.#pool.clear();
        return undefined;
    }
  }

  async #open(threads: number): Promise<Answers["open"]> {
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
    return { version: this.#runtime.env.versions.node ?? this.#runtime.env.versions.common };
  }

  async #compile({ executable, model, inputs, outputs }: Extract<Request, { type: "compile" }>): Promise<undefined> {
    const session = await this.#runtime!.InferenceSession.create(model, {
      intraOpNumThreads: this.#threads,
      interOpNumThreads: 1,
      executionMode: "sequential",
      graphOptimizationLevel: "all",
      // Same speed and less memory: all shapes are fixed, and arenas of two steps need not overlap.
      enableMemPattern: false,
      logSeverityLevel: 3,
      // Without it ScatterND adds in an order that changes from run to run.
      extra: { session: { use_deterministic_compute: "1" } },
    });
    this.#executables.set(executable, { session, inputs, outputs });
    return undefined;
  }

  async #run({ executable, inputs, outputs, donated }: Extract<Request, { type: "run" }>): Promise<Answers["run"]> {
    try {
      const { session, inputs: feedsOf, outputs: fetchesOf } = this.#executables.get(executable)!;
      const feeds = Object.fromEntries(
        feedsOf.map(({ name, spec }, i) => [name, this.#tensor(spec, this.#input(inputs[i]!))]),
      );
      const made = fetchesOf.map(({ spec }) => arrayOver(this.#pool.take(byteSizeOf(spec)), spec));
      const fetches = Object.fromEntries(fetchesOf.map(({ name, spec }, i) => [name, this.#tensor(spec, made[i]!)]));
      await session.run(feeds, fetches);
      made.forEach((data, i) => this.#tensors.set(outputs[i]!, { data }));
      return { small: made.map((data) => (data.byteLength <= SMALL_BYTES ? data.slice() : undefined)) };
    } catch (error) {
      const failure = PipeError.is(error)
        ? error
        : new PipeError("engine-failed", "ONNX Runtime could not run a program.", {
            got: messageOf(error),
            cause: error,
          });
      for (const output of outputs) this.#tensors.set(output, { failure });
      throw failure;
    } finally {
      for (const tensor of donated) this.#free(tensor);
    }
  }

  #input(input: RunInput): HostArray {
    return "data" in input ? input.data : this.#data(input.tensor);
  }

  #tensor({ shape, dtype }: TensorSpec, data: HostArray): Tensor {
    return new this.#runtime!.Tensor(dtype as "float32", data as Float32Array, shape);
  }

  #data(tensor: number): HostArray {
    const stored = this.#tensors.get(tensor)!;
    if ("failure" in stored) throw stored.failure;
    return stored.data;
  }

  #copy(from: number, to: number): void {
    const data = this.#data(from);
    const buffer = this.#pool.take(data.byteLength);
    const copy = new (data.constructor as new (buffer: ArrayBuffer) => HostArray)(buffer);
    copy.set(data);
    this.#tensors.set(to, { data: copy });
  }

  #free(tensor: number): void {
    const stored = this.#tensors.get(tensor);
    if (stored === undefined) return;
    this.#tensors.delete(tensor);
    if ("data" in stored) this.#pool.give(stored.data.buffer as ArrayBuffer);
  }
}

function arrayOver(buffer: ArrayBuffer, { dtype }: TensorSpec): HostArray {
  if (dtype === "float32") return new Float32Array(buffer);
  return dtype === "int32" ? new Int32Array(buffer) : new Uint8Array(buffer);
}
