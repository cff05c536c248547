import type {
  CompileOptions,
  DeviceInfo,
  DeviceTensor,
  HostArray,
  HostTensor,
  IEngine,
  IExecutable,
  ISnapshot,
  Mapped,
  MemoryReport,
  PutOptions,
  TensorSpec,
  Tree,
} from "@pipe/core";
import { hostTensorsOf, peakResidentBytes, PipeError, treeOf } from "@pipe/core";
import { trace } from "@pipe/graph";
import { type Ledger, ownArrays, ownTensors, TensorSnapshot } from "@pipe/graph/engine";
import * as tf from "@pipe/graph/tf";
import type { TfjsBackend } from "./backends.ts";
import { onBackend } from "./on-backend.ts";
import { plan } from "./plan.ts";
import { TfjsExecutable } from "./tfjs-executable.ts";
import { TfjsTensor } from "./tfjs-tensor.ts";

/** Runs programs op by op on one tfjs backend. */
export class TfjsEngine implements IEngine {
  readonly name = "tfjs";
  readonly device: DeviceInfo;
  readonly ledger: Ledger = { tensors: 0, tensorBytes: 0 };
  readonly backend: string;
  readonly #live = new Set<TfjsTensor>();
  #executables = 0;
  #isClosed = false;

  constructor({ registers, kind }: TfjsBackend) {
    this.backend = registers;
    const name = `tfjs ${tf.version.tfjs} ${registers}`;
    this.device = { kind, name, count: 1, dtypes: ["float32", "int32", "bool"] };
  }

  async compile<I extends Tree<tf.Tensor>, O extends Tree<tf.Tensor>>(
    program: (inputs: I) => O,
    specs: Mapped<I, tf.Tensor, TensorSpec>,
    options: CompileOptions = {},
  ): Promise<IExecutable<I, O>> {
    this.checkOpen();
    const { precision = "fp32", recompute = [] } = options;
    if (precision !== "fp32") {
      throw new PipeError("precision-unsupported", "tfjs has no low-precision matrix product.", {
        expected: "fp32",
        got: precision,
      });
    }
    const begin = performance.now();
    const { graph, report } = plan(trace(program, specs), this.backend, recompute);
    this.#executables++;
    return new TfjsExecutable<I, O>(this, graph, options.donate ?? [], {
      ...report,
      compileMs: performance.now() - begin,
      fromCache: false,
    });
  }

  async put<T extends Tree<HostTensor>>(
    values: T,
    { transfer }: PutOptions = {},
  ): Promise<Mapped<T, HostTensor, DeviceTensor>> {
    this.checkOpen();
    const found = hostTensorsOf(values);
    const arrays = ownArrays(found, transfer);
    const made = found.map(([path, { spec }], i): [string, DeviceTensor] => [
      path,
      this.own(spec, this.upload(spec, arrays[i]!)),
    ]);
    return treeOf(made) as Mapped<T, HostTensor, DeviceTensor>;
  }

  async snapshot<T extends Tree<DeviceTensor>>(state: T): Promise<ISnapshot> {
    this.checkOpen();
    return new TensorSnapshot(
      // No kernel writes into a tensor that exists: sharing its memory is a copy.
      ownTensors(state, (tensor) => this.owns(tensor)).map(
        ([path, { spec, tensor }]) => [path, this.own(spec, tf.clone(tensor))] as const,
      ),
    );
  }

  memory(): MemoryReport {
    return {
      ...this.ledger,
      pooledBytes: 0,
      executables: this.#executables,
      peakBytes: peakResidentBytes(),
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    for (const tensor of this.#live) tensor.free();
    this.#live.clear();
  }

  /** @throws PipeError `engine-closed`. */
  checkOpen(): void {
    if (this.#isClosed) throw new PipeError("engine-closed", "The engine was disposed.");
  }

  /** Whether a tensor is one of this engine. */
  owns(tensor: DeviceTensor): tensor is TfjsTensor {
    return tensor instanceof TfjsTensor && tensor.engine === this;
  }

  /** A tensor of this engine, counted until it is freed. */
  own(spec: TensorSpec, content: tf.Tensor | Error): TfjsTensor {
    const tensor = new TfjsTensor(this, spec, content);
    this.#live.add(tensor);
    return tensor;
  }

  /** Forgets a tensor whose memory was freed. */
  forget(tensor: TfjsTensor): void {
    this.#live.delete(tensor);
  }

  /** Makes a tensor of elements, which nobody may change afterwards. */
  upload({ shape, dtype }: TensorSpec, data: HostArray): tf.Tensor {
    return onBackend(this.backend, () => tf.tensor(data, [...shape], dtype));
  }

  /** Forgets a compiled program. */
  closeExecutable(): void {
    this.#executables--;
  }
}
