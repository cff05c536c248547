import type { DeviceTensor, HostArray, IEngine, TensorSpec } from "@pipe/core";
import { Random, sizeOf } from "@pipe/core";
import { forwardContext } from "../forward-context.ts";
import { interpret } from "../interpret.ts";
import { barrier, dropout, gelu } from "../ops/index.ts";
import * as tf from "../tf.ts";
import { trace } from "../trace.ts";
import { compositeProgram, type Tensors } from "./composite-program.ts";
import { type ContractKit, vector } from "./contract-kit.ts";
import { opPrograms } from "./op-programs.ts";
import { engineTolerances, exactOps } from "./tolerances.ts";

/** All plain ops, composites and gradients are what the reference computes. */
export function opsContract({ describe, it, expect, withEngine }: ContractKit): void {
  const random = new Random(1);
  const uniform = (shape: readonly number[]): Float32Array =>
    Float32Array.from({ length: sizeOf(shape) }, () => 0.2 + 1.8 * random.uniform());
  const compare = (got: ArrayLike<number>, expected: ArrayLike<number>, tolerance: number): void => {
    expect(got.length).toBe(expected.length);
    for (let i = 0; i < expected.length; i++) {
      const difference = Object.is(got[i], expected[i]) ? 0 : Math.abs(got[i]! - expected[i]!);
      expect(difference).toBeLessThanOrEqual(tolerance * (1 + Math.abs(expected[i]!)));
    }
  };
  /** Runs a program as often as asked: the first outputs are the reference's, all others the same bits. */
  const asReference = async (
    engine: IEngine,
    program: (inputs: Tensors) => Tensors,
    specs: { readonly [name: string]: TensorSpec },
    arrays: { readonly [name: string]: HostArray },
    runs = 1,
  ): Promise<void> => {
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
      "computes int32 arithmetic exactly and floors towards minus infinity",
      withEngine(async (engine) => {
        const spec: TensorSpec = { shape: [4], dtype: "int32" };
        const executable = await engine.compile(
          ({ a, b }: { a: tf.Tensor; b: tf.Tensor }) => ({
            sum: tf.add(a, b),
            product: tf.mul(a, b),
            quotient: tf.floorDiv(a, b),
            larger: tf.maximum(a, b),
            most: tf.max(a),
          }),
          { a: spec, b: spec },
        );
        const out = await executable.run({ a: Int32Array.of(7, -7, 2_000_000_001, 0), b: Int32Array.of(2, 2, -2, 5) });
        expect([...(await out.sum.read())]).toEqual([9, -5, 1_999_999_999, 5]);
        expect([...(await out.product.read())].slice(0, 2)).toEqual([14, -14]);
        expect([...(await out.quotient.read())]).toEqual([3, -4, -1_000_000_001, 0]);
        expect([...(await out.larger.read())]).toEqual([7, 2, 2_000_000_001, 5]);
        expect([...(await out.most.read())]).toEqual([2_000_000_001]);
      }),
    );

    it(
      "computes integers and flags as the reference does",
      withEngine(async (engine) => {
        const specs = { x: { shape: [2, 3], dtype: "int32" }, flags: { shape: [3], dtype: "bool" } } as const;
        const program = ({ x, flags }: Tensors): Tensors => ({
          clipped: tf.clipByValue(x!, -Infinity, 2.5),
          exp: tf.exp(x!),
          finite: tf.isFinite(x!),
          flags: tf.cast(x!, "bool"),
          flagsOfFractions: tf.cast(tf.mul(tf.cast(x!, "float32"), 0.25), "bool"),
          hot: tf.oneHot(x!, 3),
          hotFloat: tf.oneHot(x!, 3, 0.75, -1, "float32"),
          hotFlag: tf.oneHot(x!, 3, 1, 0, "bool"),
          hotScalar: tf.oneHot(tf.reshape(tf.slice(x!, [1, 1], [1, 1]), []), 3),
          mean: tf.mean(x!, 1),
          meanFlag: tf.mean(flags!),
          power: tf.pow(x!, tf.scalar(2, "int32")),
          segments: tf.unsortedSegmentSum(x!, tf.tensor1d([1, 1], "int32"), 2),
          chosen: tf.where(flags!, tf.logicalNot(flags!), flags!),
          where: tf.where(flags!, x!, tf.neg(x!)),
        });
        const arrays = { x: Int32Array.of(-2, 1, 0, 3, 2, -1), flags: Uint8Array.of(1, 0, 1) };
        await asReference(engine, program, specs, arrays);
      }),
    );

    it(
      "computes arrays without elements and axes of one as the reference does",
      withEngine(async (engine) => {
        const specs = {
          none: { shape: [0, 3], dtype: "float32" },
          row: { shape: [1, 3], dtype: "float32" },
          tall: { shape: [20, 0], dtype: "float32" },
        } as const;
        const program = ({ none, row, tall }: Tensors): Tensors => ({
          broadcast: tf.add(none!, row!),
          joined: tf.concat([none!, row!, none!]),
          padded: tf.pad(
            none!,
            [
              [1, 0],
              [0, 1],
            ],
            7,
          ),
          product: tf.matMul(none!, row!, false, true),
          zeros: tf.matMul(none!, none!, true),
          held: barrier(row!, [none!]),
          reshaped: tf.reshape(none!, [3, 0]),
          sum: tf.sum(none!, 0),
          total: tf.sum(none!),
          sumOfTall: tf.sum(tall!, 0),
        });
        const arrays = { none: new Float32Array(), row: uniform([1, 3]), tall: new Float32Array() };
        await asReference(engine, program, specs, arrays);
      }),
    );

    it(
      "computes composites of scalars as the reference does",
      withEngine(async (engine) => {
        const program = ({ x, seed }: Tensors): Tensors => ({
          gelu: gelu(x!),
          dropped: dropout(x!, 0.25, forwardContext({ training: true, seed: seed! })),
          held: barrier(x!, [tf.neg(x!)]),
        });
        const specs = { x: { shape: [], dtype: "float32" }, seed: { shape: [2], dtype: "int32" } } as const;
        await asReference(engine, program, specs, { x: uniform([]), seed: Int32Array.of(5, 6) });
      }),
    );

    it(
      "computes constants alone, infinite ones too",
      withEngine(async (engine) => {
        const specs = { x: { shape: [3], dtype: "float32" } } as const;
        const program = ({ x }: Tensors): Tensors => ({
          sum: tf.add(tf.ones([3]), tf.fill([3], 2)),
          joined: tf.concat([x!, tf.div(tf.ones([2]), tf.fill([2], 4))]),
          least: tf.maximum(x!, -Infinity),
          most: tf.minimum(x!, Infinity),
          infinite: tf.fill([2], -Infinity),
        });
        await asReference(engine, program, specs, { x: uniform([3]) });
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
