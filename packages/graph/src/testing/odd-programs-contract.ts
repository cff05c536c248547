import type { TensorSpec } from "@pipe/core";
import { forwardContext } from "../forward-context.ts";
import { barrier, dropout, gelu } from "../ops/index.ts";
import * as tf from "../tf.ts";
import type { Tensors } from "./composite-program.ts";
import type { ContractKit } from "./contract-kit.ts";
import { reference } from "./reference.ts";

/** Integers, flags, scalars, arrays without elements and constants alone are what the reference computes. */
export function oddProgramsContract({ describe, it, expect, withEngine }: ContractKit): void {
  const { uniform, asReference } = reference({ expect });

  describe("engine contract: odd programs", () => {
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
  });
}
