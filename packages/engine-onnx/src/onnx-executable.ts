import type { CompileReport, DeviceTensor, HostArray, IExecutable, Mapped, Tree } from "@pipe/core";
import { PipeError, treeOf } from "@pipe/core";
import { type ExpectedInput, matchInputs, type RunInput as Input } from "@pipe/graph/engine";
import type * as tf from "@pipe/graph/tf";
import type { LoweredProgram } from "./lower.ts";
import { OnnxTensor } from "./onnx-tensor.ts";
import type { OnnxEngine } from "./onnx-engine.ts";
import type { RunInput } from "./protocol.ts";

/** A compiled program in the session host. */
export class OnnxExecutable<I extends Tree<tf.Tensor>, O extends Tree<tf.Tensor>> implements IExecutable<I, O> {
  readonly report: CompileReport;
  readonly #engine: OnnxEngine;
  readonly #number: number;
  readonly #inputs: readonly ExpectedInput[];
  readonly #outputs: LoweredProgram["outputs"];
  #disposed = false;

  constructor(
    engine: OnnxEngine,
    number: number,
    { inputs, outputs }: Pick<LoweredProgram, "inputs" | "outputs">,
    isDonated: (path: string) => boolean,
    report: CompileReport,
  ) {
    this.#engine = engine;
    this.#number = number;
    this.#inputs = inputs.map(({ path, spec }) => ({ path, spec, donated: isDonated(path) }));
    this.#outputs = outputs;
    this.report = report;
  }

  async run(inputs: Mapped<I, tf.Tensor, DeviceTensor | HostArray>): Promise<Mapped<O, tf.Tensor, DeviceTensor>> {
    if (this.#disposed) throw new PipeError("executable-disposed", "A compiled program was run after its disposal.");
    const given = matchInputs(this.#inputs, inputs as Tree<Input>, (tensor) => this.#engine.owns(tensor));
    const transfer: ArrayBuffer[] = [];
    const donated: number[] = [];
    const feeds = given.map((input): RunInput => {
      if (input instanceof OnnxTensor) return { tensor: input.number };
      const data = input.slice();
      transfer.push(data.buffer as ArrayBuffer);
      return { data };
    });
    given.forEach((input, i) => {
      if (!this.#inputs[i]!.donated || !(input instanceof OnnxTensor)) return;
      input.donate();
      donated.push(input.number);
    });
    const outputs = this.#outputs.map(() => this.#engine.nextNumber());
    const answer = this.#engine.connection.send(
      { type: "run", executable: this.#number, inputs: feeds, outputs, donated },
      transfer,
    );
    const made = this.#outputs.map(({ path, spec }, i): [string, DeviceTensor] => {
      const arrival = answer.then(({ small }) => small[i]);
      return [path, new OnnxTensor(this.#engine.connection, this.#engine.ledger, outputs[i]!, spec, arrival)];
    });
    await this.#engine.inFlight.add(answer);
    return treeOf(made) as Mapped<O, tf.Tensor, DeviceTensor>;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#disposed) return;
    this.#disposed = true;
    await this.#engine.closeExecutable(this.#number);
  }
}
