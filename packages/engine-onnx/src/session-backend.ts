import type { HostArray, PipeError } from "@pipe/core";
import type { HostTensorNumber, ProgramPlan, RunRequest } from "./protocol.ts";

/** Keeps tensors and programs by number and runs the programs: in the memory of the process, or in that of a GPU. */
export interface SessionBackend {
  /** Bytes that wait to be used again or belong to programs. */
  readonly pooledBytes: number;
  compile(executable: number, program: ProgramPlan): Promise<void>;
  put(tensors: readonly HostTensorNumber[]): Promise<void>;
  /** Runs a program; what it returns are the elements of small outputs, by place. */
  run(request: RunRequest): Promise<readonly (HostArray | undefined)[]>;
  /** A copy of a tensor's elements. @throws the error of the run that failed to make it. */
  read(tensor: number): Promise<HostArray>;
  /** Makes a stable copy under another number. */
  copy(from: number, to: number): Promise<void>;
  /** Remembers why a tensor could not be made. */
  fail(tensor: number, failure: PipeError): void;
  free(tensor: number): void;
  release(executable: number): Promise<void>;
  /** Frees all there is. */
  close(): Promise<void>;
}
