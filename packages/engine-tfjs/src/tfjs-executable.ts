import type { CompileReport, DeviceTensor, HostArray, IExecutable, Mapped, Tree } from "@pipe/core";
import { leaves, PipeError, treeOf } from "@pipe/core";
import type { Graph } from "@pipe/graph";
import { interpret, specOf } from "@pipe/graph";
import { type ExpectedInput, isUnderAny, matchInputs } from "@pipe/graph/engine";
import * as tf from "@pipe/graph/tf";
import { onBackend } from "./on-backend.ts";
import type { TfjsEngine } from "./tfjs-engine.ts";
import { TfjsTensor } from "./tfjs-tensor.ts";

/** A program that runs op by op. */
export class TfjsExecutable<I extends Tree<tf.Tensor>, O extends Tree<tf.Tensor>> implements IExecutable<I, O> {
  readonly report: CompileReport;
  readonly #engine: TfjsEngine;
  readonly #graph: Graph;
  readonly #inputs: readonly ExpectedInput[];
  #disposed = false;

  constructor(engine: TfjsEngine, graph: Graph, donate: readonly string[], report: CompileReport) {
    this.#engine = engine;
    this.#graph = graph;
    this.#inputs = Object.entries(graph.inputs).map(([path, node]) => ({
      path,
      spec: graph.nodes[node]!.outputs[0]!,
      donated: isUnderAny(donate, path),
    }));
    this.report = report;
  }

  async run(inputs: Mapped<I, tf.Tensor, DeviceTensor | HostArray>): Promise<Mapped<O, tf.Tensor, DeviceTensor>> {
    if (this.#disposed) throw new PipeError("executable-disposed", "A compiled program was run after its disposal.");
    this.#engine.checkOpen();
    const given = matchInputs(this.#inputs, inputs as Tree<DeviceTensor | HostArray>, (tensor) =>
      this.#engine.owns(tensor),
    );
    const outputs = this.#compute(given);
    given.forEach((input, i) => {
      if (!(input instanceof TfjsTensor) || !this.#inputs[i]!.donated) return;
      input.donate();
    });
    const made = Object.entries(this.#graph.outputs).map(([path, value]): [string, DeviceTensor] => {
      const spec = specOf(this.#graph.nodes, value);
      return [path, this.#engine.own(spec, outputs instanceof Error ? outputs : outputs.get(path)!)];
    });
    return treeOf(made) as Mapped<O, tf.Tensor, DeviceTensor>;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#disposed) return;
    this.#disposed = true;
    this.#engine.closeExecutable();
  }

  /** The outputs by path, or why there are none: as with other engines the error belongs to whoever reads them. */
  #compute(given: readonly (TfjsTensor | HostArray)[]): ReadonlyMap<string, tf.Tensor> | Error {
    const uploaded: tf.Tensor[] = [];
    try {
      return onBackend(this.#engine.backend, () => {
        const feeds = given.map((input, i): [string, tf.Tensor] => {
          const { path, spec } = this.#inputs[i]!;
          if (input instanceof TfjsTensor) return [path, input.tensor];
          const tensor = this.#engine.upload(spec, input.slice() as HostArray);
          uploaded.push(tensor);
          return [path, tensor];
        });
        const outputs = interpret(this.#graph, treeOf(feeds));
        return new Map(
          leaves<tf.Tensor>(outputs, (node): node is tf.Tensor & Tree<tf.Tensor> => node instanceof tf.Tensor),
        );
      });
    } catch (cause) {
      if (PipeError.is(cause)) return cause;
      return new PipeError("engine-failed", `A program could not run on the tfjs backend "${this.#engine.backend}".`, {
        got: (cause as Error).message,
        cause,
      });
    } finally {
      tf.dispose(uploaded);
    }
  }
}
