import type { CompileReport, DeviceTensor, HostArray, IExecutable, Mapped, Tree } from "@pipe/core";
import { PipeError, treeOf } from "@pipe/core";
import { matchInputs, type RunInput } from "@pipe/graph/engine";
import type * as tf from "@pipe/graph/tf";
import type { StableHloProgram } from "./lower.ts";
import { DeviceArray } from "./pjrt/device-array.ts";
import type { LoadedExecutable } from "./pjrt/loaded-executable.ts";
import type { XlaEngine } from "./xla-engine.ts";
import { XlaTensor } from "./xla-tensor.ts";

/** A compiled program on XLA's devices. */
export class XlaExecutable<I extends Tree<tf.Tensor>, O extends Tree<tf.Tensor>> implements IExecutable<I, O> {
  readonly report: CompileReport;
  readonly #engine: XlaEngine;
  readonly #program: Pick<StableHloProgram, "inputs" | "outputs">;
  readonly #loaded: LoadedExecutable;
  #disposed = false;

  constructor(
    engine: XlaEngine,
    program: Pick<StableHloProgram, "inputs" | "outputs">,
    loaded: LoadedExecutable,
    report: CompileReport,
  ) {
    this.#engine = engine;
    this.#program = program;
    this.#loaded = loaded;
    this.report = report;
  }

  async run(inputs: Mapped<I, tf.Tensor, DeviceTensor | HostArray>): Promise<Mapped<O, tf.Tensor, DeviceTensor>> {
    this.#engine.checkOpen();
    if (this.#disposed) throw new PipeError("executable-disposed", "A compiled program was run after its disposal.");
    const given = matchInputs(this.#program.inputs, inputs as Tree<RunInput>, (tensor) => this.#engine.owns(tensor));
    const { client, mesh } = this.#engine;
    const upload = (data: HostArray, i: number): DeviceArray => {
      const { spec, isSplit } = this.#program.inputs[i]!;
      return DeviceArray.upload(client, data, spec, mesh, isSplit);
    };
    const arrays = given.map((input, i) => (input instanceof XlaTensor ? input.array : upload(input, i)));
    const moved = given.flatMap((_, i) => (arrays[i]!.isSplit === this.#program.inputs[i]!.isSplit ? [] : [i]));
    for (const i of moved) arrays[i] = upload(await arrays[i]!.read(), i);
    let queued: ReturnType<LoadedExecutable["execute"]>;
    try {
      queued = this.#loaded.execute(client.devices.map((_, device) => arrays.map(({ buffers }) => buffers[device]!)));
    } finally {
      // What is queued holds its memory; our own handles of consumed and uploaded arrays end here, also after a failure.
      given.forEach((input, i) => {
        if (!(input instanceof XlaTensor) || moved.includes(i)) arrays[i]!.destroy();
        if (input instanceof XlaTensor && this.#program.inputs[i]!.donated) input.donate();
      });
    }
    const made = this.#program.outputs.map(({ path, spec, isSplit }, i): [string, DeviceTensor] => {
      const buffers = queued.outputs.map((list) => list[i]!);
      return [path, new XlaTensor(this.#engine, new DeviceArray(buffers, spec, mesh, isSplit), spec)];
    });
    await this.#engine.inFlight.add(queued.done);
    return treeOf(made) as Mapped<O, tf.Tensor, DeviceTensor>;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#disposed) return;
    this.#disposed = true;
    this.#engine.closeExecutable(this.#loaded);
  }
}
