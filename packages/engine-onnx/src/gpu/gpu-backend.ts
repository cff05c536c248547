import type { HostArray } from "@pipe/core";
import { messageOf, PipeError } from "@pipe/core";
import type { InferenceSession } from "onnxruntime-node";
import type { HostTensorNumber, ProgramPlan, RunRequest } from "../protocol.ts";
import type { SessionBackend } from "../session-backend.ts";
import type { Runtime, Sessions } from "../sessions.ts";
import { GpuProgram, placesOf } from "./gpu-program.ts";
import { GpuStore } from "./gpu-store.ts";
import { GpuTransfer } from "./gpu-transfer.ts";

/** Keeps tensors in buffers of a GPU, from one run to the next. */
export class GpuBackend implements SessionBackend {
  /** ONNX Runtime does not say what it keeps. */
  readonly pooledBytes = 0;
  readonly #sessions: Sessions;
  readonly #transfer: GpuTransfer;
  readonly #store = new GpuStore();
  readonly #programs = new Map<number, GpuProgram>();

  constructor(runtime: Runtime, sessions: Sessions) {
    this.#sessions = sessions;
    this.#transfer = new GpuTransfer(runtime, sessions);
  }

  /** @throws PipeError `unsupported-op` where the provider lacks an op of the program. */
  async compile(executable: number, program: ProgramPlan): Promise<void> {
    const session = program.fetches.length === 0 ? undefined : await this.#session(executable, program);
    this.#programs.set(executable, new GpuProgram(this.#transfer, session, program));
  }

  async #session(executable: number, { model, fetches }: ProgramPlan): Promise<InferenceSession> {
    try {
      return await this.#sessions.create(model, `program-${executable}`, placesOf(fetches));
    } catch (cause) {
      throw new PipeError("unsupported-op", "ONNX Runtime has no WebGPU kernel for an op of the program.", {
        got: messageOf(cause).split("\n")[0]!,
        fix: "compute on the processor, engine: { kind: onnx }",
        cause,
      });
    }
  }

  async put(tensors: readonly HostTensorNumber[]): Promise<void> {
    for (const { tensor, ...host } of tensors) this.#store.set(tensor, await this.#transfer.upload(host));
  }

  async run(request: RunRequest): Promise<readonly (HostArray | undefined)[]> {
    try {
      return await this.#programs.get(request.executable)!.run(this.#store, request);
    } finally {
      for (const tensor of request.donated) this.#store.free(tensor);
    }
  }

  async read(tensor: number): Promise<HostArray> {
    return this.#transfer.download(this.#store.get(tensor));
  }

  async copy(from: number, to: number): Promise<void> {
    this.#store.set(to, await this.#transfer.copy(this.#store.get(from)));
  }

  fail(tensor: number, failure: PipeError): void {
    this.#store.set(tensor, failure);
  }

  free(tensor: number): void {
    this.#store.free(tensor);
  }

  async release(executable: number): Promise<void> {
    const session = this.#programs.get(executable)?.session;
    this.#programs.delete(executable);
    if (session !== undefined) await this.#sessions.release(session);
  }

  async close(): Promise<void> {
    this.#store.clear();
    for (const executable of [...this.#programs.keys()]) await this.release(executable);
    await this.#transfer.close();
  }
}
