import { ELEMENT } from "../../onnx-model.ts";
import type { Lowered, Lowering } from "../lowering.ts";

/** Division that floors, without the doubles that a GPU lacks. */
export const floorDiv: Lowering = (lowered) =>
  lowered.specs[0]!.dtype === "int32" ? ofIntegers(lowered) : ofFloats(lowered);

/** WGSL divides integers towards zero; where a rest of the other sign than the divisor is left, the floor is one less. */
function ofIntegers({ model, inputs: [a, b] }: Lowered): string {
  const [zero, one] = [model.scalar(0, "int32"), model.scalar(1, "int32")];
  const quotient = model.node("Div", [a!, b!]);
  const rest = model.node("Sub", [a!, model.node("Mul", [quotient, b!])]);
  const negated = model.node("Sub", [zero, rest]);
  const signed = model.node("Where", [model.node("Less", [b!, zero]), negated, rest]);
  const isPast = model.node("Less", [signed, zero]);
  return model.node("Sub", [quotient, model.node("Where", [isPast, one, zero])]);
}

/** A quotient may come out a little below the whole number that it is: the rest tells. */
function ofFloats({ model, inputs: [a, b] }: Lowered): string {
  const [zero, one] = [model.scalar(0), model.scalar(1)];
  const floor = model.node("Floor", [model.node("Div", [a!, b!])]);
  const next = model.node("Add", [floor, one]);
  const rest = model.node("Sub", [a!, model.node("Mul", [next, b!])]);
  const signed = model.node("Where", [model.node("Less", [b!, zero]), model.node("Neg", [rest]), rest]);
  const isReached = model.node("GreaterOrEqual", [signed, zero]);
  return model.node("Cast", [model.node("Where", [isReached, next, floor])], { to: ELEMENT.int32 });
}
