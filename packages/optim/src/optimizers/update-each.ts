import type { IOptimizer, ParameterSpec, Params, Slots, SlotSpec } from "@pipe/core";
import { PipeError } from "@pipe/core";
import * as tf from "@pipe/graph/tf";

/** What an optimizer sees of a step. */
export type UpdateInputs = Parameters<IOptimizer["update"]>[0];

/** A parameter with its gradient and its slots by name; `decays` says whether weight decay applies. */
export type UpdateOf = {
  readonly name: string;
  readonly parameter: tf.Tensor;
  readonly gradient: tf.Tensor;
  readonly slots: Params;
  readonly decays: boolean;
};

/** Updates every parameter by itself; the rule returns the parameter and its slots. */
export function updateEach(
  { params, grads, slots }: UpdateInputs,
  decays: ReadonlySet<string>,
  rule: (update: UpdateOf) => { readonly parameter: tf.Tensor; readonly slots: Params },
): { params: Params; slots: Slots } {
  const names = Object.keys(slots);
  const next = {
    params: {} as { [name: string]: tf.Tensor },
    slots: Object.fromEntries(names.map((slot) => [slot, {} as { [name: string]: tf.Tensor }])),
  };
  for (const [name, parameter] of Object.entries(params)) {
    // A parameter need not have all slots: matrices and vectors may be updated by different rules.
    const own = Object.fromEntries(
      names.flatMap((slot) => (slots[slot]![name] === undefined ? [] : [[slot, slots[slot]![name]]])),
    );
    const updated = rule({ name, parameter, gradient: grads[name]!, slots: own, decays: decays.has(name) });
    next.params[name] = updated.parameter;
    for (const [slot, value] of Object.entries(updated.slots)) next.slots[slot]![name] = value;
  }
  return next;
}

/** Slots of a parameter's own shape that begin at zero. */
export function zeroSlots({ shape }: ParameterSpec, names: readonly string[]): readonly SlotSpec[] {
  return names.map((name) => ({ name, shape, dtype: "float32", init: "zeros" }));
}

/** Names of the parameters that decay: those whose specs say so, where there is any weight decay. */
export function decaying(parameters: readonly ParameterSpec[], weightDecay: number): ReadonlySet<string> {
  return new Set(parameters.filter(({ decay }) => decay && weightDecay > 0).map(({ name }) => name));
}

/** old · decay + (1 - decay) · value, as every moving average here. */
export function average(old: tf.Tensor, value: tf.Tensor, decay: number): tf.Tensor {
  return tf.add(tf.mul(old, decay), tf.mul(value, 1 - decay));
}

/** @throws PipeError `optimizer-invalid` unless the settings are in their range. */
export function checkOptions(optimizer: string, valid: boolean, expected: string, options: object): void {
  if (valid) return;
  throw new PipeError("optimizer-invalid", `${optimizer}'s settings are out of range.`, {
    expected,
    got: JSON.stringify(options),
  });
}
