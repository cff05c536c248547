import type { HostArray, PipeError } from "@pipe/core";
import { HostProgram } from "./host-program.ts";
import type { HostTensorNumber, ProgramPlan, RunRequest } from "./protocol.ts";
import type { SessionBackend } from "./session-backend.ts";
import type { Runtime, Sessions } from "./sessions.ts";
import { SMALL_BYTES } from "./small-outputs.ts";
import { TensorStore } from "./tensor-store.ts";

/** Keeps tensors in the memory of the process: for the processor, and for CUDA, where each run takes them to the device. */
export class HostBackend implements SessionBackend {
  readonly #runtime: Runtime;
  readonly #sessions: Sessions;
  readonly #store = new TensorStore();
  readonly #programs = new Map<number, HostProgram>();

  constructor(runtime: Runtime, sessions: Sessions) {
    this.#runtime = runtime;
    this.#sessions = sessions;
  }

  get pooledBytes(): number {
    return [...this.#programs.values()].reduce((sum, { byteLength }) => sum + byteLength, this.#store.pool.bytes);
  }

  async compile(executable: number, program: ProgramPlan): Promise<void> {
    const isEmpty = program.fetches.length === 0;
    const session = isEmpty ? undefined : await this.#sessions.create(program.model, `program-${executable}`);
    this.#programs.set(executable, new HostProgram(this.#runtime, session, program));
  }

  async put(tensors: readonly HostTensorNumber[]): Promise<void> {
    for (const { tensor, data } of tensors) this.#store.set(tensor, data);
  }

  async run({ executable, inputs, outputs, donated }: RunRequest): Promise<readonly (HostArray | undefined)[]> {
    try {
      const made = await this.#programs.get(executable)!.run(this.#store, inputs, outputs, new Set(donated));
      return made.map((data) => (data.byteLength <= SMALL_BYTES ? data.slice() : undefined));
    } finally {
      for (const tensor of donated) this.#store.free(tensor);
    }
  }

  async read(tensor: number): Promise<HostArray> {
    return this.#store.data(tensor).slice();
  }

  async copy(from: number, to: number): Promise<void> {
    this.#store.copy(from, to);
  }

  fail(tensor: number, failure: PipeError): void {
    this.#store.fail(tensor, failure);
  }

  free(tensor: number): void {
    this.#store.free(tensor);
  }

  async release(executable: number): Promise<void> {
    const session = this.#programs.get(executable)?.session;
    this.#programs.delete(executable);
    this.#store.pool.clear();
    if (session !== undefined) await this.#sessions.release(session);
  }

  async close(): Promise<void> {
    for (const executable of [...this.#programs.keys()]) await this.release(executable);
  }
}
