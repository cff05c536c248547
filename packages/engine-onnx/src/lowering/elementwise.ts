import { ELEMENT } from "../onnx-model.ts";
import type { Lowered, Lowering } from "./lowering.ts";
import { where } from "./where.ts";

const direct =
  (op: string): Lowering =>
  ({ model, inputs }) =>
    model.node(op, inputs);

/** The inputs of a binary op, where a fill that only repeats the other input's shape becomes a scalar. */
function operands({ model, node, inputs, specs, producer }: Lowered): readonly string[] {
  const shape = node.outputs[0]!.shape.join();
  const isRepeated = (i: number): boolean => producer(i).node.op === "Fill" && specs[1 - i]!.shape.join() === shape;
  // Of two fills one keeps the shape.
  const repeated = [0, 1].find(isRepeated);
  return inputs.map((name, i) =>
    i === repeated ? model.scalar(producer(i).node.attributes["value"] as number, specs[i]!.dtype) : name,
  );
}

const binary =
  (op: string): Lowering =>
  (lowered) =>
    lowered.model.node(op, operands(lowered));

const sameName = [
  "Abs",
  "Cos",
  "Erf",
  "Exp",
  "Floor",
  "Log",
  "Neg",
  "Reciprocal",
  "Relu",
  "Sigmoid",
  "Sign",
  "Sin",
  "Sqrt",
  "Tanh",
];

/** Lowerings of ops that work element by element. */
export const elementwiseLowerings: { readonly [op: string]: Lowering } = {
  ...Object.fromEntries(sameName.map((op) => [op, direct(op)])),
  LogicalNot: direct("Not"),
  Select: ({ model, inputs: [condition, a, b], node }) => where(model, condition!, a!, b!, node.outputs[0]!.dtype),
  Identity: direct("Identity"),
  Add: binary("Add"),
  Sub: binary("Sub"),
  Multiply: binary("Mul"),
  RealDiv: binary("Div"),
  Maximum: binary("Max"),
  Minimum: binary("Min"),
  Pow: binary("Pow"),
  Equal: binary("Equal"),
  Greater: binary("Greater"),
  GreaterEqual: binary("GreaterOrEqual"),
  Less: binary("Less"),
  LessEqual: binary("LessOrEqual"),
  LogicalAnd: binary("And"),
  LogicalOr: binary("Or"),
  NotEqual: (lowered) => lowered.model.node("Not", [lowered.model.node("Equal", operands(lowered))]),
  Square: ({ model, inputs: [x] }) => model.node("Mul", [x!, x!]),
  Rsqrt: ({ model, inputs }) => model.node("Reciprocal", [model.node("Sqrt", inputs)]),
  SquaredDifference: (lowered) => {
    const difference = lowered.model.node("Sub", operands(lowered));
    return lowered.model.node("Mul", [difference, difference]);
  },
  // x - x is 0 for finite x only.
  IsFinite: ({ model, inputs: [x] }) => model.node("Equal", [model.node("Sub", [x!, x!]), model.scalar(0)]),
  // Doubles hold every int32 and every quotient that a floor could confuse.
  FloorDiv: ({ model, inputs }) => {
    const [a, b] = inputs.map((name) => model.node("Cast", [name], { to: ELEMENT.double }));
    return model.node("Cast", [model.node("Floor", [model.node("Div", [a!, b!])])], { to: ELEMENT.int32 });
  },
  Step: ({ model, inputs: [x], attributes }) =>
    model.node("Where", [
      model.node("Greater", [x!, model.scalar(0)]),
      model.scalar(1),
      model.scalar(attributes["alpha"] as number),
    ]),
  ClipByValue: ({ model, inputs: [x], attributes, specs: [spec] }) => {
    const bounds = ["clipValueMin", "clipValueMax"].map((name) =>
      model.scalar(attributes[name] as number, spec!.dtype),
    );
    return model.node("Clip", [x!, ...bounds]);
  },
  Cast: ({ model, inputs, node }) => model.node("Cast", inputs, { to: ELEMENT[node.outputs[0]!.dtype] }),
};
