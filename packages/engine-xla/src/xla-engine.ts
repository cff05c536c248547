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
import { InFlight, isUnderAny, type Ledger, ownTensors, releaseArrays } from "@pipe/graph/engine";
import type * as tf from "@pipe/graph/tf";
import { cpuFlags } from "./cpu-flags.ts";
import type { ExecutableCache } from "./executable-cache.ts";
import { lower, type StableHloProgram } from "./lower.ts";
import type { Precision } from "./lowering/lowering.ts";
import { isSplit, type Mesh } from "./mesh.ts";
import { meshFlags } from "./mesh-flags.ts";
import type { PjrtClient } from "./pjrt/client.ts";
import { compileOptions, type XlaFlags } from "./pjrt/compile-options.ts";
import { DeviceArray } from "./pjrt/device-array.ts";
import type { LoadedExecutable } from "./pjrt/loaded-executable.ts";
import { XlaExecutable } from "./xla-executable.ts";
import { XlaSnapshot } from "./xla-snapshot.ts";
import { XlaTensor } from "./xla-tensor.ts";

/** How all programs of an engine are compiled. */
export type Compiling = {
  readonly flags: XlaFlags;
  /** Of programs that ask for none. */
  readonly precision: Precision;
  readonly cache: ExecutableCache | undefined;
};

/** Compiles programs with XLA on one device of a PJRT plug-in, or on several that compute each program together. */
export class XlaEngine implements IEngine {
  readonly name = "xla";
  readonly device: DeviceInfo;
  readonly client: PjrtClient;
  readonly mesh: Mesh;
  readonly ledger: Ledger = { tensors: 0, tensorBytes: 0 };
  readonly inFlight = new InFlight();
  readonly #compiling: Compiling;
  readonly #leave: () => Promise<void>;
  readonly #arrays = new Set<DeviceArray>();
  readonly #executables = new Set<LoadedExecutable>();
  readonly #preparing = new Set<Promise<{ loaded: LoadedExecutable }>>();
  #closed = false;

  /** `leave` is called when the client has ended. */
  constructor(
    client: PjrtClient,
    mesh: Mesh,
    device: DeviceInfo,
    compiling: Compiling,
    leave: () => Promise<void> = () => Promise.resolve(),
  ) {
    this.#leave = leave;
    this.client = client;
    this.mesh = mesh;
    this.device = device;
    this.#compiling = compiling;
  }

  async compile<I extends Tree<tf.Tensor>, O extends Tree<tf.Tensor>>(
    program: (inputs: I) => O,
    specs: Mapped<I, tf.Tensor, TensorSpec>,
    { donate = [], batch = [], recompute = [], precision = this.#compiling.precision }: CompileOptions = {},
  ): Promise<IExecutable<I, O>> {
    this.checkOpen();
    const begin = performance.now();
    const graph = trace(program, specs);
    const lowered = lower(graph, {
      isDonated: (path) => isUnderAny(donate, path),
      isBatch: (path) => isUnderAny(batch, path),
      recompute,
      precision,
      mesh: this.mesh,
      platform: this.client.platform,
    });
    const preparing = this.#prepare(lowered);
    this.#preparing.add(preparing);
    const { loaded, fromCache } = await preparing.finally(() => this.#preparing.delete(preparing));
    this.checkOpen();
    this.#executables.add(loaded);
    return new XlaExecutable<I, O>(this, lowered, loaded, {
      ...lowered.report,
      compileMs: performance.now() - begin,
      fromCache,
      warnings: [...graph.warnings, ...lowered.warnings],
    });
  }

  /** The executable of a program, loaded or compiled. */
  async #prepare({
    text,
    outputs,
    report,
  }: StableHloProgram): Promise<{ loaded: LoadedExecutable; fromCache: boolean }> {
    const { flags, cache } = this.#compiling;
    const own = this.device.kind === "cpu" ? cpuFlags(report.plannedPeakBytes) : {};
    const { api, assignment } = this.client;
    const options = compileOptions(assignment, { ...own, ...meshFlags(api.version, assignment.length), ...flags });
    const cached = await cache?.load(this.client, text, options, outputs.length);
    if (cached !== undefined) return { loaded: cached, fromCache: true };
    const loaded = await this.client.compile(text, options, outputs.length);
    await cache?.save(loaded, text, options);
    return { loaded, fromCache: false };
  }

  async put<T extends Tree<HostTensor>>(
    values: T,
    { transfer = false }: PutOptions = {},
  ): Promise<Mapped<T, HostTensor, DeviceTensor>> {
    this.checkOpen();
    const found = hostTensorsOf(values);
    const made = found.map(([path, { spec, data }]): [string, DeviceTensor] => [
      path,
      new XlaTensor(this, DeviceArray.upload(this.client, data, spec, this.mesh, isSplit(this.mesh, spec)), spec),
    ]);
    if (transfer) releaseArrays(found);
    return treeOf(made) as Mapped<T, HostTensor, DeviceTensor>;
  }

  async snapshot<T extends Tree<DeviceTensor>>(state: T): Promise<ISnapshot> {
    const found = ownTensors(state, (tensor) => this.owns(tensor));
    // All copies are queued before this returns, so that no later run overwrites what they read.
    const copies = found.map(async ([path, tensor]) => ({ path, spec: tensor.spec, data: await tensor.read() }));
    return new XlaSnapshot(await Promise.all(copies));
  }

  /** Whether a tensor is one of this engine. */
  owns(tensor: DeviceTensor): tensor is XlaTensor {
    return tensor instanceof XlaTensor && tensor.engine === this;
  }

  memory(): MemoryReport {
    return {
      ...this.ledger,
      deviceBytes: [...this.#arrays].reduce((sum, { deviceBytes }) => sum + deviceBytes, 0),
      pooledBytes: 0,
      executables: this.#executables.size,
      // A device's own memory where it has some, else the process's.
      peakBytes: this.client.peakBytes() ?? peakResidentBytes(),
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    // What is on its way in other threads needs the client.
    for (const made of await Promise.allSettled(this.#preparing))
      if (made.status === "fulfilled") made.value.loaded.destroy();
    await Promise.all([this.client.runs.drain(), this.client.reads.drain()]);
    for (const array of this.#arrays) array.destroy();
    for (const executable of this.#executables) executable.destroy();
    this.client.close();
    await this.#leave();
  }

  /** @throws PipeError `engine-closed`. */
  checkOpen(): void {
    if (this.#closed) throw new PipeError("engine-closed", "The engine was disposed.");
  }

  /** Frees an array at the latest when the engine ends. */
  own(array: DeviceArray): void {
    this.#arrays.add(array);
  }

  /** Frees an array now. */
  free(array: DeviceArray): void {
    if (this.#arrays.delete(array) && !this.#closed) array.destroy();
  }

  /** Frees a compiled program. */
  closeExecutable(executable: LoadedExecutable): void {
    if (this.#executables.delete(executable) && !this.#closed) executable.destroy();
  }
}
