import type { IModel, IOptimizer, ParameterSpec, Params, TensorSpec } from "@pipe/core";
import { byteSizeOf, partSpecs, PipeError } from "@pipe/core";
import { forwardContext, type Graph, plannedPeak, recompute, trace } from "@pipe/graph";
import { optimise } from "@pipe/graph/engine";
import * as tf from "@pipe/graph/tf";

/** What a step may take. */
export type ModelOptimizerOptions = {
  /** Memory for state and values of a step, in bytes. */
  readonly memoryBytes: number;
};

/** How a step is computed so that it fits. */
export type StepPlan = {
  /** Parts that the rows of a batch are split into. */
  readonly accumulate: number;
  /** Names of blocks that the backward pass computes again. */
  readonly recompute: readonly string[];
  /** Parameters, the optimizer's slots, and gradients where they are kept between parts. */
  readonly stateBytes: number;
  /** All values of one part at most at one time, inputs among them. */
  readonly plannedBytes: number;
};

type Specs = { readonly [name: string]: TensorSpec };

/**
 * Chooses how a training step is computed so that it fits into memory: the same updates in any case, with more time the less
 * memory there is. It splits the batch in halves as far as rows go, which costs least, then computes half of the
 * model's blocks again, then all of them (Chen et al., 2016). Nothing is run: programs are traced and their values planned.
 */
export class ModelOptimizer {
  readonly #memoryBytes: number;

  /** @throws PipeError `memory-invalid`. */
  constructor({ memoryBytes }: ModelOptimizerOptions) {
    if (!(memoryBytes > 0)) {
      throw new PipeError("memory-invalid", "A memory limit must be a positive number of bytes.", {
        got: String(memoryBytes),
      });
    }
    this.#memoryBytes = memoryBytes;
  }

  /**
   * Finds the fastest plan that fits. `batch` are the specs of a whole batch, keyed as the model reads it.
   * @throws PipeError `memory-exceeded` where none does, with what the smallest would take.
   */
  plan<B>(model: IModel<B>, optimizer: IOptimizer, batch: Specs): StepPlan {
    const parameters = model.parameters();
    const rows = Object.values(batch)[0]!.shape[0]!;
    let smallest: StepPlan | undefined;
    for (const { accumulate, share } of candidates(rows)) {
      const graph = gradientGraph(model, parameters, partSpecs(batch, accumulate));
      const names = blocksOf(graph, share);
      const plan = {
        accumulate,
        recompute: names,
        stateBytes: stateBytes(parameters, optimizer, accumulate > 1),
        plannedBytes: plannedPeak(optimise(recompute(graph, names))),
      };
      if (total(plan, parameters) <= this.#memoryBytes) return plan;
      if (smallest === undefined || plan.plannedBytes < smallest.plannedBytes) smallest = plan;
    }
    throw new PipeError("memory-exceeded", "No way to compute a training step fits into the memory that it may take.", {
      expected: `${megabytes(this.#memoryBytes, Math.floor)} at most`,
      got: `${megabytes(total(smallest!, parameters), Math.ceil)} with one row at a time and all blocks computed again`,
      fix: "raise the limit, or take a smaller model or shorter sequences",
    });
  }
}

/** From the fastest to the smallest. */
function* candidates(rows: number): Generator<{ readonly accumulate: number; readonly share: number }> {
  let accumulate = 1;
  for (; accumulate < rows; accumulate *= 2) yield { accumulate, share: 0 };
  for (const share of [0, 0.5, 1]) yield { accumulate: rows, share };
}

function gradientGraph<B>(model: IModel<B>, parameters: readonly ParameterSpec[], batch: Specs): Graph {
  const trained = parameters.filter(({ trainable }) => trainable).map(({ name }) => name);
  const program = ({ params, batch: given, seed }: { params: Params; batch: Params; seed: tf.Tensor }): Params => {
    const lossOf = (...values: tf.Tensor[]): tf.Scalar => {
      const current = { ...params, ...Object.fromEntries(trained.map((name, i) => [name, values[i]!])) };
      return model.loss(current, given as B, forwardContext({ training: true, seed })).lossSum as tf.Scalar;
    };
    const { value, grads } = tf.valueAndGrads(lossOf)(trained.map((name) => params[name]!));
    return { loss: value, ...Object.fromEntries(trained.map((name, i) => [`grad.${name}`, grads[i]!])) };
  };
  const params = Object.fromEntries(parameters.map(({ name, shape, dtype }) => [name, { shape, dtype }]));
  return trace(program, { params, batch, seed: { shape: [2], dtype: "int32" } } as never);
}

/** The first of a model's blocks, as many as this share: what is kept longest is computed again. */
function blocksOf({ blocks }: Graph, share: number): readonly string[] {
  const names = [...new Set(blocks.map(({ name }) => name))];
  return names.slice(0, Math.ceil(share * names.length));
}

function stateBytes(parameters: readonly ParameterSpec[], optimizer: IOptimizer, keepsGradients: boolean): number {
  return parameters.reduce((sum, parameter) => {
    const own = byteSizeOf(parameter);
    if (!parameter.trainable) return sum + own;
    const slots = optimizer.slots(parameter).reduce((bytes, slot) => bytes + byteSizeOf(slot), 0);
    return sum + own + slots + (keepsGradients ? own : 0);
  }, 0);
}

/** The values of a part hold the parameters too. */
function total({ stateBytes: state, plannedBytes }: StepPlan, parameters: readonly ParameterSpec[]): number {
  return state + plannedBytes - parameters.reduce((sum, parameter) => sum + byteSizeOf(parameter), 0);
}

/** To a thousandth, so that a limit and what is above it do not look the same. */
function megabytes(bytes: number, round: (value: number) => number): string {
  return `${(round(bytes / 1e3) / 1e3).toLocaleString("en")} MB`;
}
