import type { Tensor } from "@tensorflow/tfjs";
import type { DeviceTensor, DType, HostArray, HostTensor, Mapped, TensorSpec, Tree } from "./tensors.ts";

/** Where an engine computes. */
export type DeviceInfo = {
  readonly kind: "cpu" | "gpu" | "tpu";
  readonly name: string;
  /** Devices that one program spans. */
  readonly count: number;
  /** Memory of one device in bytes, where it is known. */
  readonly memoryBytes?: number;
  readonly dtypes: readonly DType[];
  /** Threads that compute, where it is a CPU. */
  readonly threads?: number;
  /** Why this one, where it was chosen for the user. */
  readonly reason?: string;
};

/** What an engine holds now, in bytes and counts. */
export type MemoryReport = {
  /** Tensors that the host can still reach, on the device. */
  readonly tensors: number;
  /** Their size. */
  readonly tensorBytes: number;
  /** What of them one device holds, where an engine has several. */
  readonly deviceBytes?: number;
  /** Buffers that wait to be used again. */
  readonly pooledBytes: number;
  /** Executables that are not disposed. */
  readonly executables: number;
  /**
   * The most bytes held so far, where that can be known: by the first device where it counts its own memory, else by the
   * process. A measure, not a count.
   */
  readonly peakBytes?: number;
};

/** What compilation did. */
export type CompileReport = {
  readonly compileMs: number;
  readonly fromCache: boolean;
  /** Floating-point operations of the matrix products in one run (a multiply-add counts as two). */
  readonly flops: number;
  /** Bytes of inputs, outputs and constants. */
  readonly argumentBytes: number;
  /** Bytes that all values of one run take at most at one time, were they computed in the program's order. */
  readonly plannedPeakBytes: number;
  /** Node count of each op, and how it was lowered. */
  readonly ops: { readonly [op: string]: { readonly count: number; readonly lowering: "native" | "composite" } };
  /** What the author of the program should know. */
  readonly warnings: readonly string[];
};

/** How a program is compiled. */
export type CompileOptions = {
  /** Path prefixes of inputs whose memory the outputs may take over, such as `"state"`; such an input is consumed by a run. */
  readonly donate?: readonly string[];
  /**
   * Path prefixes of inputs whose first axis is rows that are independent up to sums, such as `"batch"`: an engine with
   * several devices divides them. It changes no result, and engines with one device have no use for it.
   */
  readonly batch?: readonly string[];
  /** Arithmetic of matrix products; default `"fp32"`. An engine without it throws `precision-unsupported`. */
  readonly precision?: "fp32" | "bf16" | "fp16";
  /**
   * Names of blocks, `*` for any characters, whose activations are computed again in the backward pass instead of kept:
   * less memory, about a third more time. A name that fits no block throws `recompute-unknown`.
   */
  readonly recompute?: readonly string[];
};

/** Bytes of one tensor of a snapshot, in the element order of {@link HostArray}, little-endian. */
export type SnapshotTensor = { readonly path: string; readonly spec: TensorSpec; readonly bytes: Uint8Array };

/** A stable copy of device state. */
export interface ISnapshot extends AsyncDisposable {
  /** Specs of its tensors, sorted by path. */
  readonly specs: ReadonlyMap<string, TensorSpec>;
  /** Yields every tensor once, in the order of `specs`. */
  tensors(): AsyncIterable<SnapshotTensor>;
}

/** A compiled program. */
export interface IExecutable<I extends Tree<Tensor>, O extends Tree<Tensor>> extends AsyncDisposable {
  readonly report: CompileReport;
  /**
   * Queues one run and resolves when the outputs may feed the next call; two calls at most are in flight.
   *
   * Host arrays are checked against the specs and copied before it returns. A donated input is consumed even if the run
   * fails. A failure after queueing surfaces in `read()` of the outputs and in every run that is fed with them.
   * @throws PipeError `input-missing`, `input-unknown`, `input-mismatch`, `tensor-donated`, `tensor-disposed`,
   * `tensor-foreign`, `executable-disposed`.
   */
  run(inputs: Mapped<I, Tensor, DeviceTensor | HostArray>): Promise<Mapped<O, Tensor, DeviceTensor>>;
}

/** How host tensors come to a device. */
export type PutOptions = {
  /**
   * Hands the arrays over, so that their memory is not needed twice: they may be empty afterwards. Those that share their
   * buffer with something else are copied. Default false: the arrays are copied and stay as they are.
   */
  readonly transfer?: boolean;
};

/** Compiles programs and keeps their state on a device. */
export interface IEngine extends AsyncDisposable {
  readonly name: string;
  readonly device: DeviceInfo;
  /**
   * Traces a pure program of tfjs ops once and compiles it.
   * @throws PipeError `impure-program`, `captured-tensor`, `read-while-tracing`, `unsupported-op`, `precision-unsupported`.
   */
  compile<I extends Tree<Tensor>, O extends Tree<Tensor>>(
    program: (inputs: I) => O,
    specs: Mapped<I, Tensor, TensorSpec>,
    options?: CompileOptions,
  ): Promise<IExecutable<I, O>>;
  /** Brings host tensors to the device. @throws PipeError `input-mismatch` where data and spec differ in length or type. */
  put<T extends Tree<HostTensor>>(values: T, options?: PutOptions): Promise<Mapped<T, HostTensor, DeviceTensor>>;
  /** Makes a stable copy of device state that stays valid while later runs overwrite the original. */
  snapshot<T extends Tree<DeviceTensor>>(state: T): Promise<ISnapshot>;
  memory(): MemoryReport;
}
