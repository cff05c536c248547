import type { DeviceTensor, HostArray, IEngine, TensorSpec } from "@pipe/core";
import { Random, sizeOf } from "@pipe/core";
import type { TestFramework } from "@pipe/core/testing";
import { interpret } from "../interpret.ts";
import * as tf from "../tf.ts";
import { trace } from "../trace.ts";
import type { Tensors } from "./composite-program.ts";
import { engineTolerances } from "./tolerances.ts";

/** What tests of ops compare with. */
export type Reference = {
  /** Elements in [0.2, 2), others each time. */
  uniform(shape: readonly number[]): Float32Array;
  compare(got: ArrayLike<number>, expected: ArrayLike<number>, tolerance: number): void;
  /** Runs a program as often as asked: the first outputs are the reference's, all others the same bits. */
  asReference(
    engine: IEngine,
    program: (inputs: Tensors) => Tensors,
    specs: { readonly [name: string]: TensorSpec },
    arrays: { readonly [name: string]: HostArray },
    runs?: number,
  ): Promise<void>;
};

/** Makes it, with the assertions of a test framework. */
export function reference({ expect }: Pick<TestFramework, "expect">): Reference {
  const random = new Random(1);
  const uniform: Reference["uniform"] = (shape) =>
    Float32Array.from({ length: sizeOf(shape) }, () => 0.2 + 1.8 * random.uniform());
  const compare: Reference["compare"] = (got, expected, tolerance) => {
    expect(got.length).toBe(expected.length);
    for (let i = 0; i < expected.length; i++) {
      const difference = Object.is(got[i], expected[i]) ? 0 : Math.abs(got[i]! - expected[i]!);
      expect(difference).toBeLessThanOrEqual(tolerance * (1 + Math.abs(expected[i]!)));
    }
  };
  const asReference: Reference["asReference"] = async (engine, program, specs, arrays, runs = 1) => {
    const executable = await engine.compile(program, specs as never);
    const tensors = Object.entries(specs).map(
      ([name, { shape, dtype }]) => [name, tf.tensor(arrays[name]!, [...shape], dtype)] as const,
    );
    const expected = interpret(trace(program, specs as never), Object.fromEntries(tensors)) as Tensors;
    const outputs: { readonly [name: string]: DeviceTensor }[] = [];
    for (let run = 0; run < runs; run++) outputs.push((await executable.run(arrays as never)) as never);
    for (const [name, tensor] of Object.entries(expected)) {
      const [first, ...others] = await Promise.all(outputs.map((output) => output[name]!.read()));
      compare(first!, tensor.dataSync(), engineTolerances["default"]!);
      for (const other of others) expect([...other]).toEqual([...first!]);
    }
  };
  return { uniform, compare, asReference };
}
