import type {
  Batch,
  EvaluateOptions,
  EvaluationReport,
  IEngine,
  IEvaluator,
  IExecutable,
  IModel,
  ModelState,
  Params,
  TensorSpec,
  TokenBatch,
} from "@pipe/core";
import { PipeError, specsOf } from "@pipe/core";
import { forwardContext } from "@pipe/graph";
import * as tf from "@pipe/graph/tf";
import type { MetricsCalculator } from "./metrics-calculator.ts";

/** What an evaluator needs. */
export type ModelEvaluatorOptions = {
  readonly engine: IEngine;
  readonly model: IModel;
  readonly metrics: MetricsCalculator;
  /** Specs of the batches. */
  readonly batch: { readonly [name: string]: TensorSpec };
  /** UTF-8 bytes of each token id, for bits per byte. */
  readonly byteLengths?: Uint16Array;
};

type Inputs = { readonly params: Params; readonly batch: TokenBatch; readonly byteLengths?: tf.Tensor };
type Compiled = { readonly executable: IExecutable<Inputs, Params> };

/** Measures a model on batches without changing it, with dropout off; compiled at the first evaluation. */
export class ModelEvaluator implements IEvaluator {
  readonly #options: ModelEvaluatorOptions;
  #compiled: Promise<Compiled> | undefined;

  constructor(options: ModelEvaluatorOptions) {
    this.#options = options;
  }

  /** @throws PipeError `evaluation-empty` where no batch has a target that counts; the signal's reason when aborted. */
  async evaluate(
    state: Pick<ModelState, "step" | "params">,
    batches: AsyncIterable<Batch>,
    { batches: limit = Infinity, signal }: EvaluateOptions = {},
  ): Promise<EvaluationReport> {
    const { metrics, byteLengths } = this.#options;
    this.#compiled ??= this.#compile(state);
    const { executable } = await this.#compiled;
    const totals: { [name: string]: number } = {};
    let count = 0;
    for await (const { arrays } of batches) {
      signal?.throwIfAborted();
      const sums = await executable.run({
        params: state.params,
        batch: arrays,
        ...(byteLengths === undefined ? {} : { byteLengths: Float32Array.from(byteLengths) }),
      } as never);
      for (const [name, tensor] of Object.entries(sums)) {
        totals[name] = (totals[name] ?? 0) + (await tensor.read())[0]!;
        tensor[Symbol.dispose]();
      }
      if (++count >= limit) break;
    }
    if (!(totals["weight"]! > 0)) {
      throw new PipeError("evaluation-empty", "There is nothing to evaluate on.", {
        expected: "at least one target with a weight above 0",
        got: `${count} batches`,
        fix: "make the validation split larger",
      });
    }
    return { step: state.step, metrics: metrics.values(totals), tokens: totals["weight"]!, batches: count };
  }

  /** Frees the compiled program. */
  async [Symbol.asyncDispose](): Promise<void> {
    // One that did not compile has said so to whoever asked for it.
    const compiled = await this.#compiled?.catch(() => undefined);
    await compiled?.executable[Symbol.asyncDispose]();
  }

  async #compile(state: Pick<ModelState, "params">): Promise<Compiled> {
    const { engine, model, metrics, batch, byteLengths } = this.#options;
    const program = ({ params, batch: given, byteLengths: lengths }: Inputs): Params => {
      const context = forwardContext({ training: false, seed: tf.zeros([2], "int32") });
      return metrics.sums(model.loss(params, given, context), given, lengths);
    };
    const params = specsOf(state.params);
    const lengths: { byteLengths?: TensorSpec } =
      byteLengths === undefined ? {} : { byteLengths: { shape: [byteLengths.length], dtype: "float32" } };
    return { executable: await engine.compile(program, { params, batch, ...lengths } as never, { batch: ["batch"] }) };
  }
}
