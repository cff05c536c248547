import type { Initializer, ParameterSpec } from "@pipe/core";
import { Random } from "@pipe/core";
import { describe, expect, it } from "vitest";
import { initialize } from "./initialize.ts";

const parameter = (name: string, init: Initializer, shape = [40, 50]): ParameterSpec => {
  return { name, shape, dtype: "float32", init, decay: true, trainable: true };
};
const valuesOf = (...parameters: ParameterSpec[]) => initialize(parameters, new Random(1));

describe("initialize", () => {
  it("makes zeros and ones", () => {
    const { a, b } = valuesOf(parameter("a", { kind: "zeros" }, [2]), parameter("b", { kind: "ones" }, []));
    expect([[...a!.data], [...b!.data]]).toEqual([[0, 0], [1]]);
    expect(b!.spec).toEqual({ shape: [], dtype: "float32" });
  });

  it("draws with the deviation and within the bound that it is given", () => {
    const { n, u } = valuesOf(
      parameter("n", { kind: "normal", deviation: 0.02 }),
      parameter("u", { kind: "uniform", bound: 3 }),
    );
    const moment = (data: ArrayLike<number>, power: number): number =>
      Array.from(data).reduce((sum, x) => sum + x ** power, 0) / data.length;
    expect(moment(n!.data, 1)).toBeCloseTo(0, 2);
    expect(Math.sqrt(moment(n!.data, 2))).toBeCloseTo(0.02, 3);
    expect(moment(u!.data, 2)).toBeCloseTo(3, 0);
    expect(Array.from(u!.data).every((x) => x >= -3 && x < 3)).toBe(true);
  });

  it("gives a parameter the same values whatever stands beside it", () => {
    const [a, b] = [parameter("a", { kind: "normal", deviation: 1 }), parameter("b", { kind: "normal", deviation: 1 })];
    expect(valuesOf(b, a)).toEqual(valuesOf(a, b));
    expect(valuesOf(a)["a"]).toEqual(valuesOf(a, b)["a"]);
    expect(valuesOf(a, b)["a"]!.data).not.toEqual(valuesOf(a, b)["b"]!.data);
  });

  it("leaves rows of padding at zero, and all other values as they are without them", () => {
    const whole = parameter("a", { kind: "normal", deviation: 1 }, [3, 2]);
    const padded: ParameterSpec = { ...whole, shape: [5, 2], external: { name: "a", shape: [3, 2] } };
    expect([...valuesOf(padded)["a"]!.data]).toEqual([...valuesOf(whole)["a"]!.data, 0, 0, 0, 0]);
    const turned = { name: "a", transposed: true, shape: [2, 3] };
    const columns = valuesOf({ ...whole, shape: [3, 4], external: turned })["a"]!.data;
    const rows = valuesOf(whole)["a"]!.data;
    expect([...columns]).toEqual([0, 1, 2].flatMap((row) => [rows[2 * row], rows[2 * row + 1], 0, 0]));
  });
});
