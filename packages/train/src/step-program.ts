import type { IGradientProcessor, IModel, IOptimizer, Params, Slots } from "@pipe/core";
import { forwardContext } from "@pipe/graph";
import { choose } from "@pipe/graph/ops";
import * as tf from "@pipe/graph/tf";

/** Everything that a step changes, as the program sees it. */
export type TracedState = { readonly params: Params; readonly slots?: Slots; readonly scalars: Params };

/** Inputs of the training step. */
export type StepInputs<B> = {
  readonly state: TracedState;
  readonly batch: B;
  /** float32 [3]: the rates for `known`, `known + 1` and `known + 2` applied updates. */
  readonly rates: tf.Tensor;
  /** int32 scalar: an older value of `state.scalars.applied`, at most two behind. */
  readonly known: tf.Tensor;
  /** int32 [2]: dropout seed, step. */
  readonly seed: tf.Tensor;
};

/** Outputs of the training step. */
export type StepOutputs = {
  readonly state: TracedState;
  /** float32 [5]: mean loss, gradient norm, accepted (0 or 1), rate, weight. */
  readonly figures: tf.Tensor;
  /** int32 scalar: updates applied after this step. */
  readonly applied: tf.Tensor;
};

/** The parts that the step is made of. */
export type StepParts<B> = {
  readonly model: IModel<B>;
  readonly optimizer: IOptimizer;
  readonly gradients: IGradientProcessor;
};

/** The whole step as one pure function: forward, backward, clip, update; a refused update leaves every leaf as it was. */
export function stepProgram<B>({ model, optimizer, gradients }: StepParts<B>): (inputs: StepInputs<B>) => StepOutputs {
  const specs = model.parameters();
  const trainable = specs.filter((spec) => spec.trainable).map(({ name }) => name);
  return ({ state, batch, rates, known, seed }) => {
    // A tree has no empty records: an optimizer without slots leaves none.
    const { params, slots = {} } = state;
    const { applied, ...processorState } = state.scalars as { applied: tf.Tensor } & Params;
    let weight: tf.Tensor | undefined;
    const lossOf = (...values: tf.Tensor[]): tf.Scalar => {
      const current = { ...params, ...Object.fromEntries(trainable.map((name, i) => [name, values[i]!])) };
      const result = model.loss(current, batch, forwardContext({ training: true, seed }));
      ({ weight } = result);
      const { lossSum, auxiliary } = result;
      return (auxiliary === undefined ? lossSum : tf.add(lossSum, tf.mul(auxiliary, weight))) as tf.Scalar;
    };
    const { value, grads } = tf.valueAndGrads(lossOf)(trainable.map((name) => params[name]!));
    const named = Object.fromEntries(trainable.map((name, i) => [name, grads[i] ?? tf.zerosLike(params[name]!)]));
    const processed = gradients.process({ grads: named, weight: weight!, slots: processorState });
    const rate = tf.reshape(tf.gather(rates, tf.reshape(tf.sub(applied, known), [1]) as tf.Tensor1D), []);
    const updated = optimizer.update({
      params: Object.fromEntries(trainable.map((name) => [name, params[name]!])),
      grads: processed.grads,
      slots,
      rate,
      count: applied,
    });
    const { accept } = processed;
    const kept = (next: Params, old: Params): Params =>
      Object.fromEntries(
        Object.entries(old).map(([name, tensor]) => {
          const made = next[name];
          return [name, made === undefined ? tensor : choose(accept, made, tensor)];
        }),
      );
    const accepted = tf.cast(accept, "int32");
    const nextApplied = tf.add(applied, accepted);
    return {
      state: {
        params: kept(updated.params, params),
        slots: Object.fromEntries(Object.entries(slots).map(([slot, old]) => [slot, kept(updated.slots[slot]!, old)])),
        scalars: { applied: nextApplied, ...kept(processed.slots, processorState) },
      },
      figures: tf.stack([tf.div(value, weight!), processed.norm, tf.cast(accept, "float32"), rate, weight!]),
      applied: nextApplied,
    };
  };
}
