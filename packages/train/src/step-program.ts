import type { IGradientProcessor, IModel, IOptimizer, Params, Slots } from "@pipe/core";
import { forwardContext } from "@pipe/graph";
import { choose } from "@pipe/graph/ops";
import * as tf from "@pipe/graph/tf";

/** Everything that a step changes, as the program sees it. */
export type TracedState = { readonly params: Params; readonly slots?: Slots; readonly scalars: Params };

/** What tells a step its learning rate. */
export type RateInputs = {
  /** float32 [3]: the rates for `known`, `known + 1` and `known + 2` applied updates. */
  readonly rates: tf.Tensor;
  /** int32 scalar: an older value of `state.scalars.applied`, at most two behind. */
  readonly known: tf.Tensor;
};

/** Inputs of the training step. */
export type StepInputs<B> = RateInputs & {
  readonly state: TracedState;
  readonly batch: B;
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

/** Sums over the rows of one batch or several: gradients of the summed loss, that loss, and its weight. */
export type Sums = { readonly grads: Params; readonly loss: tf.Tensor; readonly weight: tf.Tensor };

/** The whole step as one pure function: forward, backward, clip, update; a refused update leaves every leaf as it was. */
export function stepProgram<B>(parts: StepParts<B>): (inputs: StepInputs<B>) => StepOutputs {
  return ({ state, batch, seed, ...rate }) =>
    update(
      parts,
      state,
      rate,
      differentiate(parts, state.params, { batch, seed, scale: lossScaleOf(parts, state.scalars) }),
    );
}

/** The sums of a part of a batch alone. */
export function gradientProgram<B>(
  parts: StepParts<B>,
): (inputs: { params: Params; batch: B; seed: tf.Tensor }) => Sums {
  return ({ params, batch, seed }) => differentiate(parts, params, { batch, seed, scale: undefined });
}

/** Inputs of a part of the training step. */
type AccumulateInputs<B> = {
  readonly sums: Sums;
  readonly params: Params;
  /** What the loss is multiplied by, where the gradients are scaled. */
  readonly scale?: tf.Tensor;
  readonly batch: B;
  /** int32 scalar: number of the part. */
  readonly part: tf.Tensor;
  readonly seed: tf.Tensor;
};

/** Adds the sums of a part of a batch to `sums`, or starts them anew where `part` (int32 scalar) is 0. */
export function accumulateProgram<B>(parts: StepParts<B>): (inputs: AccumulateInputs<B>) => { sums: Sums } {
  return ({ sums, params, scale, batch, part, seed }) => {
    const made = differentiate(parts, params, { batch, seed, scale });
    const isFirst = tf.equal(part, tf.scalar(0, "int32"));
    // A choice, not a product with 0: what is left of a refused step may be NaN.
    const add = (next: tf.Tensor, sum: tf.Tensor): tf.Tensor => choose(isFirst, next, tf.add(sum, next));
    const grads = Object.entries(sums.grads).map(([name, sum]) => [name, add(made.grads[name]!, sum)]);
    return {
      sums: {
        grads: Object.fromEntries(grads) as Params,
        loss: add(made.loss, sums.loss),
        weight: add(made.weight, sums.weight),
      },
    };
  };
}

/** The update that follows from accumulated sums. */
export function applyProgram<B>(
  parts: StepParts<B>,
): (inputs: RateInputs & { state: TracedState; sums: Sums }) => StepOutputs {
  return ({ state, sums, ...rate }) => update(parts, state, rate, sums);
}

/** Names of the parameters that are trained. */
export function trainableNames<B>({ model }: Pick<StepParts<B>, "model">): readonly string[] {
  return model
    .parameters()
    .filter((spec) => spec.trainable)
    .map(({ name }) => name);
}

/** What the loss is multiplied by, if the gradients are scaled. */
function lossScaleOf<B>({ gradients }: StepParts<B>, scalars: Params): tf.Tensor | undefined {
  return gradients.lossScale === undefined ? undefined : scalars[gradients.lossScale];
}

function differentiate<B>(
  parts: StepParts<B>,
  params: Params,
  { batch, seed, scale }: { readonly batch: B; readonly seed: tf.Tensor; readonly scale: tf.Tensor | undefined },
): Sums {
  const trainable = trainableNames(parts);
  let weight: tf.Tensor | undefined;
  const lossOf = (...values: tf.Tensor[]): tf.Scalar => {
    const current = { ...params, ...Object.fromEntries(trainable.map((name, i) => [name, values[i]!])) };
    const result = parts.model.loss(current, batch, forwardContext({ training: true, seed }));
    ({ weight } = result);
    const { lossSum, auxiliary } = result;
    const whole = auxiliary === undefined ? lossSum : tf.add(lossSum, tf.mul(auxiliary, weight));
    return (scale === undefined ? whole : tf.mul(whole, scale)) as tf.Scalar;
  };
  const { value, grads } = tf.valueAndGrads(lossOf)(trainable.map((name) => params[name]!));
  const named = Object.fromEntries(trainable.map((name, i) => [name, grads[i] ?? tf.zerosLike(params[name]!)]));
  return { grads: named, loss: scale === undefined ? value : tf.div(value, scale), weight: weight! };
}

function update<B>(
  parts: StepParts<B>,
  state: TracedState,
  { rates, known }: RateInputs,
  { grads, loss, weight }: Sums,
): StepOutputs {
  // A tree has no empty records: an optimizer without slots leaves none.
  const { params, slots = {} } = state;
  const { applied, ...processorState } = state.scalars as { applied: tf.Tensor } & Params;
  const processed = parts.gradients.process({ grads, weight, slots: processorState });
  const rate = tf.reshape(tf.gather(rates, tf.reshape(tf.sub(applied, known), [1]) as tf.Tensor1D), []);
  const updated = parts.optimizer.update({
    params: Object.fromEntries(Object.keys(grads).map((name) => [name, params[name]!])),
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
  const nextApplied = tf.add(applied, tf.cast(accept, "int32"));
  return {
    state: {
      params: kept(updated.params, params),
      slots: Object.fromEntries(Object.entries(slots).map(([slot, old]) => [slot, kept(updated.slots[slot]!, old)])),
      scalars: { applied: nextApplied, ...kept(processed.slots, processorState), ...processed.always },
    },
    figures: tf.stack([tf.div(loss, weight), processed.norm, tf.cast(accept, "float32"), rate, weight]),
    applied: nextApplied,
  };
}
