import { interpret } from "../interpret.ts";
import * as tf from "../tf.ts";
import { trace } from "../trace.ts";
import { compositeProgram, type Tensors } from "./composite-program.ts";
import { type ContractKit, vector } from "./contract-kit.ts";
import { opPrograms } from "./op-programs.ts";
import { reference } from "./reference.ts";
import { engineTolerances, exactOps } from "./tolerances.ts";

/** All plain ops, composites and gradients are what the reference computes. */
export function opsContract({ describe, it, expect, withEngine }: ContractKit): void {
  const { uniform, compare, asReference } = reference({ expect });

  describe("engine contract: ops", () => {
    it(
      "computes every plain op as the reference does",
      withEngine(async (engine) => {
        for (const [op, program] of Object.entries(opPrograms)) {
          for (const shape of [
            [3, 4],
            [1, 1],
          ]) {
            const specs = { x: { shape, dtype: "float32" }, y: { shape, dtype: "float32" } } as const;
            const pure = ({ x, y }: { x: tf.Tensor; y: tf.Tensor }): { z: tf.Tensor } => ({ z: program(x, y) });
            const [x, y] = [uniform(shape), uniform(shape)];
            const executable = await engine.compile(pure, specs);
            const { z } = await executable.run({ x, y });
            const expected = interpret(trace(pure, specs), {
              x: tf.tensor(x, shape),
              y: tf.tensor(y, shape),
            }) as Tensors;
            expect([op, z.spec]).toEqual([op, { shape: expected["z"]!.shape, dtype: expected["z"]!.dtype }]);
            const tolerance = engineTolerances[exactOps.has(op) ? "exact" : "default"]!;
            compare(await z.read(), expected["z"]!.dataSync(), tolerance);
            await executable[Symbol.asyncDispose]();
          }
        }
      }),
    );

    it(
      "computes every composite op and its gradient as the reference does, the same bits each time",
      withEngine(async (engine) => {
        const specs = {
          table: { shape: [7, 8], dtype: "float32" },
          gain: { shape: [8], dtype: "float32" },
          bias: { shape: [8], dtype: "float32" },
          ids: { shape: [2, 5], dtype: "int32" },
          targets: { shape: [2, 5], dtype: "int32" },
          weights: { shape: [2, 5], dtype: "float32" },
          seed: { shape: [2], dtype: "int32" },
        } as const;
        const arrays = {
          table: uniform([7, 8]),
          gain: uniform([8]),
          bias: uniform([8]),
          ids: Int32Array.of(1, 1, 2, 3, 6, 0, 0, 0, 5, 4),
          targets: Int32Array.of(1, 2, 3, 6, 0, 0, 0, 5, 4, 1),
          weights: Float32Array.of(1, 1, 1, 0, 1, 0.5, 1, 1, 2, 1),
          seed: Int32Array.of(123_456, 42),
        };
        await asReference(engine, compositeProgram, specs, arrays, 2);
      }),
    );

    it(
      "computes recurrent cells over time and their gradients as the reference does",
      withEngine(async (engine) => {
        const [cells, width, steps] = [3, 2, 4];
        const specs = {
          kernel: { shape: [width + cells, 4 * cells], dtype: "float32" },
          bias: { shape: [4 * cells], dtype: "float32" },
          x: { shape: [steps, 2, width], dtype: "float32" },
        } as const;
        const program = ({ kernel, bias, x }: Tensors): Tensors => {
          const unrolled = (w: tf.Tensor, b: tf.Tensor): tf.Scalar => {
            let [c, h] = [tf.zeros([2, cells]) as tf.Tensor2D, tf.zeros([2, cells]) as tf.Tensor2D];
            for (const step of tf.unstack(x!))
              [c, h] = tf.basicLSTMCell(1, w as tf.Tensor2D, b as tf.Tensor1D, step as tf.Tensor2D, c, h);
            return tf.sum(tf.square(h)).asScalar();
          };
          const { value, grads } = tf.valueAndGrads(unrolled)([kernel!, bias!]);
          return { value, kernel: grads[0]!, bias: grads[1]! };
        };
        const arrays = Object.fromEntries(
          Object.entries(specs).map(([name, { shape }]) => [name, uniform(shape).map((v) => v - 1)]),
        );
        await asReference(engine, program, specs, arrays);
      }),
    );

    it(
      "computes convolutions, poolings and their gradients as the reference does",
      withEngine(async (engine) => {
        const specs = {
          image: { shape: [2, 6, 5, 2], dtype: "float32" },
          filter: { shape: [3, 2, 2, 4], dtype: "float32" },
        } as const;
        const program = ({ image, filter }: Tensors): Tensors => {
          const net = (x: tf.Tensor, w: tf.Tensor): tf.Scalar => {
            const hidden = tf.tanh(tf.conv2d(x as tf.Tensor4D, w as tf.Tensor4D, [1, 2], "same"));
            const most = tf.maxPool(hidden as tf.Tensor4D, 2, 2, "same");
            return tf.sum(tf.square(tf.avgPool(most, 2, 1, "valid"))).asScalar();
          };
          const { value, grads } = tf.valueAndGrads(net)([image!, filter!]);
          return { value, image: grads[0]!, filter: grads[1]! };
        };
        const arrays = { image: uniform(specs.image.shape), filter: uniform(specs.filter.shape).map((v) => v - 1) };
        await asReference(engine, program, specs, arrays);
      }),
    );

    it(
      "hands inputs, constants and one value under two names out as outputs",
      withEngine(async (engine) => {
        const executable = await engine.compile(
          ({ x }: { x: tf.Tensor }) => {
            const y = tf.neg(x);
            return {
              x,
              y,
              again: y,
              constant: tf.tensor1d([1, 2]),
              fill: tf.ones([2], "int32"),
              flag: tf.greater(x, 0),
            };
          },
          { x: vector },
        );
        const out = await executable.run({ x: Float32Array.of(1, -2, 0) });
        const read = await Promise.all(Object.values(out).map(async (tensor) => [...(await tensor.read())]));
        expect(read).toEqual([
          [1, -2, 0],
          [-1, 2, -0],
          [-1, 2, -0],
          [1, 2],
          [1, 1],
          [1, 0, 0],
        ]);
      }),
    );
  });
}
