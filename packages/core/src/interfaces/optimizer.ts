import type { Tensor } from "@tensorflow/tfjs";
import type { ParameterSpec, Params } from "./model.ts";
import type { TensorSpec } from "./tensors.ts";

/** State that an optimizer keeps for one parameter. */
export type SlotSpec = TensorSpec & { readonly name: string; readonly init: "zeros" | "ones" | "parameter" | number };

/** Slots by slot name, then by parameter name. */
export type Slots = { readonly [slot: string]: Params };

/** An update rule that is traced into the training step. */
export interface IOptimizer {
  slots(parameter: ParameterSpec): readonly SlotSpec[];
  /** Traced once, sees all trainable parameters. `rate` and `count` (updates applied so far, int32) are scalars. */
  update(step: {
    readonly params: Params;
    readonly grads: Params;
    readonly slots: Slots;
    readonly rate: Tensor;
    readonly count: Tensor;
  }): { params: Params; slots: Slots };
}

/** A learning rate as a pure function of the number of updates applied so far. */
export interface ISchedule {
  rate(applied: number): number;
}

/** Turns summed gradients into the gradient that the optimizer gets. */
export interface IGradientProcessor {
  /** State that it keeps, all scalars or of fixed shape. */
  slots?(): readonly SlotSpec[];
  /**
   * Name of the slot, a float32 scalar, by which the loss is multiplied before it is differentiated: gradients come in so
   * much larger. Without it by 1.
   */
  readonly lossScale?: string;
  /**
   * `grads` are gradients of the loss sum, `weight` the sum of weights. Returns gradients of the mean loss, their norm
   * before clipping, and a bool scalar: false keeps the whole state as it was, except for the slots in
   * `always`.
   */
  process(step: { readonly grads: Params; readonly weight: Tensor; readonly slots: Params }): {
    grads: Params;
    norm: Tensor;
    accept: Tensor;
    slots: Params;
    always?: Params;
  };
}
