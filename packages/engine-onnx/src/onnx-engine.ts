import type {
  CompileOptions,
  DeviceInfo,
  DeviceTensor,
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
import { InFlight, isUnderAny, type Ledger, ownArrays, ownTensors, TensorSnapshot } from "@pipe/graph/engine";
import type * as tf from "@pipe/graph/tf";
import type { Connection } from "./connection.ts";
import { lower } from "./lower.ts";
import { OnnxExecutable } from "./onnx-executable.ts";
import { OnnxTensor } from "./onnx-tensor.ts";
import type { Provider } from "./providers.ts";

/** Compiles programs with ONNX Runtime; sessions and tensors live in one worker. */
export class OnnxEngine implements IEngine {
  readonly name = "onnx";
  readonly device: DeviceInfo;
  readonly connection: Connection;
  readonly ledger: Ledger = { tensors: 0, tensorBytes: 0 };
  readonly #provider: Provider;
  readonly #stop: () => Promise<unknown>;
  readonly inFlight = new InFlight();
  #numbers = 0;
  #executables = 0;

  constructor(connection: Connection, provider: Provider, device: DeviceInfo, stop: () => Promise<unknown>) {
    this.connection = connection;
    this.#provider = provider;
    this.device = device;
    this.#stop = stop;
  }

  async compile<I extends Tree<tf.Tensor>, O extends Tree<tf.Tensor>>(
    program: (inputs: I) => O,
    specs: Mapped<I, tf.Tensor, TensorSpec>,
    options: CompileOptions = {},
  ): Promise<IExecutable<I, O>> {
    checkOptions(options);
    const begin = performance.now();
    const graph = trace(program, specs);
    const { donate = [], recompute = [] } = options;
    const isDonated = (path: string): boolean => isUnderAny(donate, path);
    const { report, ...lowered } = lower(graph, { isDonated, recompute, provider: this.#provider });
    const executable = this.nextNumber();
    await this.connection.send({ type: "compile", executable, program: lowered }, [
      lowered.model.buffer,
      lowered.module.buffer,
    ]);
    this.#executables++;
    return new OnnxExecutable<I, O>(this, executable, lowered, isDonated, {
      ...report,
      compileMs: performance.now() - begin,
      fromCache: false,
      warnings: graph.warnings,
    });
  }

  async put<T extends Tree<HostTensor>>(
    values: T,
    { transfer }: PutOptions = {},
  ): Promise<Mapped<T, HostTensor, DeviceTensor>> {
    const found = hostTensorsOf(values);
    const arrays = ownArrays(found, transfer);
    const tensors = found.map(([, { spec }], i) => ({ tensor: this.nextNumber(), spec, data: arrays[i]! }));
    const made = found.map(([path, { spec }], i): [string, DeviceTensor] => [
      path,
      new OnnxTensor(this.connection, this.ledger, tensors[i]!.tensor, spec),
    ]);
    await this.connection.send(
      { type: "put", tensors },
      tensors.map(({ data }) => data.buffer as ArrayBuffer),
    );
    return treeOf(made) as Mapped<T, HostTensor, DeviceTensor>;
  }

  async snapshot<T extends Tree<DeviceTensor>>(state: T): Promise<ISnapshot> {
    const copies = ownTensors(state, (tensor) => this.owns(tensor)).map(([path, { number, spec }]) => ({
      path,
      from: number,
      to: this.nextNumber(),
      spec,
    }));
    const sent = this.connection.send({
      type: "copy",
      from: copies.map(({ from }) => from),
      to: copies.map(({ to }) => to),
    });
    const made = copies.map(
      ({ path, to, spec }) => [path, new OnnxTensor(this.connection, this.ledger, to, spec)] as const,
    );
    await sent;
    return new TensorSnapshot(made);
  }

  memory(): MemoryReport {
    return {
      ...this.ledger,
      pooledBytes: this.connection.pooledBytes,
      executables: this.#executables,
      // The worker is a part of this process.
      peakBytes: peakResidentBytes(),
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    // A thread that is ended within a run takes the process along: onnxruntime-node cannot hand over results then.
    await this.connection.drain("The engine was disposed.");
    await this.#stop();
  }

  /** Whether a tensor is one of this engine. */
  owns(tensor: DeviceTensor): tensor is OnnxTensor {
    return tensor instanceof OnnxTensor && tensor.connection === this.connection;
  }

  /** A number for a tensor or executable that nothing else has. */
  nextNumber(): number {
    return this.#numbers++;
  }

  /** Frees a compiled program in the host. */
  async closeExecutable(executable: number): Promise<void> {
    this.#executables--;
    await this.connection.send({ type: "close-executable", executable });
  }
}

function checkOptions({ precision = "fp32" }: CompileOptions): void {
  if (precision !== "fp32") {
    throw new PipeError("precision-unsupported", "The ONNX Runtime engine computes in float32.", {
      expected: "fp32",
      got: precision,
    });
  }
}
