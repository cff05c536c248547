import type { Lowering } from "../lowering.ts";

/** π/2 as a sum of floats, the first two of so few bits that products with whole numbers are exact. */
const HALF_PI = [1.5703125, 4.837512969970703e-4, 7.549789948768648e-8];
/** Coefficients of sin r / r and of cos r in r², from the highest, for r in [-π/4, π/4] (Cephes' `sinf` and `cosf`). */
const SIN = [-1.9515295891e-4, 8.3321608736e-3, -1.6666654611e-1, 1];
const COS = [2.443315711809948e-5, -1.388731625493765e-3, 4.166664568298827e-2, -0.5, 1];

/**
 * The sine of an angle some quarters of the circle further, so that one quarter makes the cosine. WGSL's own may be wrong by
 * 2⁻¹¹; this brings the angle to [-π/4, π/4] (Cody and Waite, 1980), where a polynomial is right to a few units in the last place.
 */
export const sine =
  (quarters: 0 | 1): Lowering =>
  ({ model, inputs: [x] }) => {
    const by = (op: string, a: string, b: number): string => model.node(op, [a, model.scalar(b)]);
    const floorOf = (a: string): string => model.node("Floor", [a]);
    const turns = floorOf(by("Add", by("Mul", x!, 2 / Math.PI), 0.5));
    const rest = HALF_PI.reduce((angle, part) => model.node("Sub", [angle, by("Mul", turns, part)]), x!);
    const square = model.node("Mul", [rest, rest]);
    const polynomial = ([highest, ...others]: readonly number[]): string =>
      others.reduce((sum, c) => by("Add", model.node("Mul", [sum, square]), c), model.scalar(highest!));
    const sin = model.node("Mul", [rest, polynomial(SIN)]);
    // The quarters in turn are sin, cos, -sin, -cos.
    const quarter = quarters === 0 ? turns : by("Add", turns, quarters);
    const modulo = (count: number): string =>
      model.node("Sub", [quarter, by("Mul", floorOf(by("Mul", quarter, 1 / count)), count)]);
    const value = model.node("Where", [by("Equal", modulo(2), 0), sin, polynomial(COS)]);
    return model.node("Where", [by("Less", modulo(4), 2), value, model.node("Neg", [value])]);
  };
