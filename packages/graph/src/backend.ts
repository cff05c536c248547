import type { DType, HostArray } from "@pipe/core";
import { PipeError } from "@pipe/core";
import { registerKernels } from "./kernels.ts";
import { at, BACKEND, currentRecorder, hasRecorder, type Recorder, withRecorder } from "./recorder.ts";
import { sourceLine } from "./source-line.ts";
import * as tf from "./tf.ts";

/** Whether a program is being traced now. */
export function isTracing(): boolean {
  return hasRecorder() && tf.getBackend() === BACKEND;
}

/** Runs a body while tfjs records into a fresh recorder, then puts back the backend that was in use. */
export function recording<T>(body: (recorder: Recorder) => T): T {
  return withRecorder((recorder) => {
    register();
    const before = userBackend();
    // setBackend works synchronously for a backend that is made synchronously, as this one is.
    void tf.setBackend(BACKEND);
    try {
      return body(recorder);
    } finally {
      void tf.setBackend(before);
    }
  });
}

let registered = false;

/** Registers the backend once, below every other in priority. */
function register(): void {
  if (registered) return;
  registered = true;
  tf.registerBackend(BACKEND, () => new TraceBackend(), -1000);
  registerKernels();
}

/** The backend in use, made ready if there is none yet. */
function userBackend(): string {
  try {
    void tf.backend();
    return tf.getBackend();
  } catch (cause) {
    throw new PipeError("tfjs-not-ready", "tfjs has no backend that is ready.", {
      fix: "await tf.ready() before compiling",
      cause,
    });
  }
}

/** The backend: it stores nothing and refuses to read. */
class TraceBackend extends tf.KernelBackend {
  override write(values: tf.BackendValues, shape: number[], dtype: tf.DataType): object {
    return currentRecorder().write(toHostArray(values, dtype), { shape, dtype: dtype as DType });
  }
  override readSync(): never {
    throw new PipeError("read-while-tracing", "A program reads a tensor's values while it is traced.", {
      ...at(sourceLine()),
      fix: "return the tensor from the program and read it after the run; use where() instead of if",
    });
  }
  override read(): never {
    return this.readSync();
  }
  override numDataIds(): number {
    return 0;
  }
  override disposeData(): boolean {
    return true;
  }
  override incRef(): void {}
  decRef(): void {}
  override refCount(): number {
    return 1;
  }
  override memory(): { unreliable: boolean } {
    return { unreliable: true };
  }
  override floatPrecision(): 16 | 32 {
    return 32;
  }
  override epsilon(): number {
    return 1e-7;
  }
  override timerAvailable(): boolean {
    return false;
  }
}

function toHostArray(values: tf.BackendValues, dtype: tf.DataType): HostArray {
  const numbers = values as ArrayLike<number>;
  if (dtype === "float32") return Float32Array.from(numbers);
  if (dtype === "int32") return Int32Array.from(numbers);
  if (dtype === "bool") return Uint8Array.from(numbers);
  throw new PipeError("unsupported-op", "A program can use float32, int32 and bool tensors only.", {
    got: dtype,
    ...at(sourceLine()),
  });
}
