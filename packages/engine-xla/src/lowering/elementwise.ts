import type { DType } from "@pipe/core";
import { formatType } from "../hlo/format.ts";
import { type HloValue, type HloWriter, names } from "../hlo/hlo-writer.ts";
import type { Lowered, Lowering } from "./lowering.ts";

const unary =
  (op: string): Lowering =>
  ({ hlo, inputs }) =>
    hlo.same(op, inputs);

/** The inputs, broadcast to the output's shape. */
function operands({ hlo, inputs, node }: Lowered): [HloValue, HloValue] {
  return inputs.map((value) => hlo.broadcast(value, node.outputs[0]!.shape)) as [HloValue, HloValue];
}

const binary =
  (op: string): Lowering =>
  (lowered) =>
    lowered.hlo.same(op, operands(lowered));

const comparison =
  (direction: string): Lowering =>
  (lowered) =>
    lowered.hlo.compare(direction, ...operands(lowered));

/** The same number everywhere, in the shape and type of a value. */
const like = (hlo: HloWriter, { shape, dtype }: HloValue, value: number): HloValue => hlo.fill(value, { shape, dtype });

/** Rounds an integer quotient towards minus infinity: one less where a remainder has the other sign. */
function floorDivide(hlo: HloWriter, a: HloValue, b: HloValue): HloValue {
  const [quotient, remainder] = [hlo.same("divide", [a, b]), hlo.same("remainder", [a, b])];
  const zero = like(hlo, a, 0);
  const differs = hlo.compare("NE", hlo.compare("LT", remainder, zero), hlo.compare("LT", b, zero));
  const isBelow = hlo.same("and", [differs, hlo.compare("NE", remainder, zero)]);
  return hlo.select(isBelow, hlo.same("subtract", [quotient, like(hlo, a, 1)]), quotient);
}

/** Lowerings of ops that work element by element. */
export const elementwiseLowerings: { readonly [op: string]: Lowering } = {
  Abs: unary("abs"),
  Cos: unary("cosine"),
  Exp: unary("exponential"),
  Floor: unary("floor"),
  Log: unary("log"),
  LogicalNot: unary("not"),
  Neg: unary("negate"),
  Rsqrt: unary("rsqrt"),
  Sigmoid: unary("logistic"),
  Sign: unary("sign"),
  Sin: unary("sine"),
  Sqrt: unary("sqrt"),
  Tanh: unary("tanh"),
  Identity: ({ inputs: [x] }) => x!,
  Add: binary("add"),
  Sub: binary("subtract"),
  Multiply: binary("multiply"),
  RealDiv: binary("divide"),
  Maximum: binary("maximum"),
  Minimum: binary("minimum"),
  Pow: binary("power"),
  LogicalAnd: binary("and"),
  LogicalOr: binary("or"),
  Equal: comparison("EQ"),
  NotEqual: comparison("NE"),
  Greater: comparison("GT"),
  GreaterEqual: comparison("GE"),
  Less: comparison("LT"),
  LessEqual: comparison("LE"),
  // CHLO, which every plug-in expands, has what StableHLO lacks.
  Erf: ({ hlo, inputs: [x] }) => hlo.add(`chlo.erf ${x!.name} : ${formatType(x!)} -> ${formatType(x!)}`, x!),
  Square: ({ hlo, inputs: [x] }) => hlo.same("multiply", [x!, x!]),
  SquaredDifference: (lowered) => {
    const difference = lowered.hlo.same("subtract", operands(lowered));
    return lowered.hlo.same("multiply", [difference, difference]);
  },
  Reciprocal: ({ hlo, inputs: [x] }) => hlo.same("divide", [like(hlo, x!, 1), x!]),
  Relu: ({ hlo, inputs: [x] }) => hlo.same("maximum", [x!, like(hlo, x!, 0)]),
  IsFinite: ({ hlo, inputs: [x] }) => hlo.to("is_finite", x!, { shape: x!.shape, dtype: "bool" }),
  FloorDiv: (lowered) => {
    const { hlo } = lowered;
    const [a, b] = operands(lowered);
    if (a.dtype === "int32") return floorDivide(hlo, a, b);
    // As tfjs: the quotient of doubles, so that a float32 rounded up to a whole number is not taken for it.
    const doubles = [a, b].map((value) => hlo.convert(value, "float64"));
    return hlo.convert(hlo.same("floor", [hlo.same("divide", doubles)]), "int32");
  },
  Step: ({ hlo, inputs: [x], attributes }) => {
    const isPositive = hlo.compare("GT", x!, like(hlo, x!, 0));
    return hlo.select(isPositive, like(hlo, x!, 1), like(hlo, x!, attributes["alpha"] as number));
  },
  ClipByValue: ({ hlo, inputs: [x], attributes }) => {
    const scalar = { shape: [], dtype: x!.dtype };
    const bounds = [attributes["clipValueMin"], attributes["clipValueMax"]].map((at) => hlo.fill(at as number, scalar));
    const types = [scalar, x!, scalar].map(formatType).join(", ");
    const list = names([bounds[0]!, x!, bounds[1]!]);
    return hlo.add(`stablehlo.clamp ${list} : (${types}) -> ${formatType(x!)}`, x!);
  },
  Cast: ({ hlo, inputs: [x], attributes }) => hlo.convert(x!, attributes["dtype"] as DType),
  Select: ({ hlo, inputs, node }) => {
    const [condition, a, b] = inputs.map((value) => hlo.broadcast(value, node.outputs[0]!.shape));
    return hlo.select(condition!, a!, b!);
  },
};
