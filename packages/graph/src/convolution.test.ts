import fc from "fast-check";
import { beforeAll, describe, expect, it } from "vitest";
import { interpret } from "./interpret.ts";
import * as tf from "./tf.ts";
import { trace } from "./trace.ts";

beforeAll(async () => {
  await tf.setBackend("cpu");
});

type Two = { readonly x: tf.Tensor; readonly w: tf.Tensor };
type Program = (inputs: Two) => { readonly [name: string]: tf.Tensor };

/**
 * How far what a program gives when it is traced and run op by op lies from what tfjs's own kernels give, relative to
 * 1 + |value|; infinity where shapes differ.
 */
function difference(program: Program, x: tf.Tensor, w: tf.Tensor): number {
  const specs = { x: { shape: x.shape, dtype: "float32" }, w: { shape: w.shape, dtype: "float32" } } as const;
  const got = interpret(trace(program as never, specs as never), { x, w }) as { readonly [name: string]: tf.Tensor };
  const each = Object.entries(program({ x, w })).map(([name, tensor]) => {
    if (String(got[name]!.shape) !== String(tensor.shape)) return Infinity;
    const gap = tf.div(tf.abs(tf.sub(got[name]!, tensor)), tf.add(tf.abs(tensor), 1));
    return tf.max(gap).dataSync()[0]!;
  });
  return Math.max(...each);
}

/** The value and the gradients of a function of image and filter; a weighted sum, so that each element counts differently. */
function withGradients(f: (x: tf.Tensor4D, w: tf.Tensor4D) => tf.Tensor): Program {
  const total = (x: tf.Tensor, w: tf.Tensor): tf.Scalar => {
    const y = f(x as tf.Tensor4D, w as tf.Tensor4D);
    const factors = tf.reshape(tf.cos(tf.range(0, y.size, 1, "float32")), y.shape);
    return tf.add(tf.sum(tf.mul(y, factors)), tf.mul(tf.sum(w), 0)).asScalar();
  };
  return ({ x, w }) => {
    const [dx, dw] = tf.grads(total)([x, w]);
    return { y: f(x as tf.Tensor4D, w as tf.Tensor4D), dx: dx!, dw: dw! };
  };
}

const setup = fc.record({
  height: fc.integer({ min: 3, max: 7 }),
  width: fc.integer({ min: 3, max: 7 }),
  size: fc.tuple(fc.integer({ min: 1, max: 3 }), fc.integer({ min: 1, max: 3 })),
  stride: fc.tuple(fc.integer({ min: 1, max: 3 }), fc.integer({ min: 1, max: 3 })),
  pad: fc.constantFrom<"same" | "valid" | number>("same", "valid", 1),
  seed: fc.nat(1000),
});

describe("traced convolutions and poolings are those of tfjs, with their gradients", () => {
  it("conv2d", () => {
    fc.assert(
      fc.property(setup, ({ height, width, size, stride, pad, seed }) => {
        tf.tidy(() => {
          const x = tf.randomNormal([2, height, width, 3], 0, 1, "float32", seed);
          const w = tf.randomNormal([...size, 3, 2], 0, 1, "float32", seed + 1);
          expect(
            difference(
              withGradients((image, filter) => tf.conv2d(image, filter, stride, pad)),
              x,
              w,
            ),
          ).toBeLessThan(1e-4);
        });
      }),
      { numRuns: 40, seed: 1 },
    );
  });

  it("conv2d with holes in its filter, forward", () => {
    for (const dilation of [1, 2, 3]) {
      const [x, w] = [
        tf.randomNormal([1, 8, 9, 2], 0, 1, "float32", 1),
        tf.randomNormal([3, 2, 2, 3], 0, 1, "float32", 2),
      ];
      const program: Program = ({ x: image, w: filter }) => ({
        y: tf.conv2d(image as tf.Tensor4D, filter as tf.Tensor4D, 1, "same", "NHWC", dilation),
      });
      expect(difference(program, x, w)).toBeLessThan(1e-4);
    }
  });

  /** Whether each window holds a part of the image. */
  const isFilled = (
    pool: typeof tf.maxPool,
    [h, w]: readonly [number, number],
    at: readonly [[number, number], [number, number], "same" | "valid" | number],
  ): boolean =>
    tf.tidy(() =>
      pool(tf.zeros([1, h, w, 1]) as tf.Tensor4D, at[0], at[1], at[2])
        .dataSync()
        .every(Number.isFinite),
    );

  it("maxPool", () => {
    fc.assert(
      fc.property(setup, ({ height, width, size, stride, pad, seed }) => {
        fc.pre(isFilled(tf.maxPool, [height, width], [size, stride, pad]));
        tf.tidy(() => {
          const x = tf.randomNormal([2, height, width, 2], 0, 1, "float32", seed);
          expect(
            difference(
              withGradients((image) => tf.maxPool(image, size, stride, pad)),
              x,
              tf.ones([1, 1, 1, 1]),
            ),
          ).toBeLessThan(1e-4);
        });
      }),
      { numRuns: 40, seed: 1 },
    );
  });

  it("avgPool, whose gradient is its transpose (tfjs's own counts the padding)", () => {
    fc.assert(
      fc.property(setup, ({ height, width, size, stride, pad, seed }) => {
        fc.pre(isFilled(tf.avgPool, [height, width], [size, stride, pad]));
        tf.tidy(() => {
          const [x, other] = [1, 2].map((k) => tf.randomNormal([2, height, width, 2], 0, 1, "float32", seed + k)) as [
            tf.Tensor4D,
            tf.Tensor4D,
          ];
          const pool = (image: tf.Tensor4D): tf.Tensor4D => tf.avgPool(image, size, stride, pad);
          expect(difference(({ x: image }) => ({ y: pool(image as tf.Tensor4D) }), x, other)).toBeLessThan(1e-4);
          const spec = { shape: x.shape, dtype: "float32" } as const;
          const gradient: Program = ({ x: image }) => {
            const y = pool(image as tf.Tensor4D);
            const factors = tf.reshape(tf.cos(tf.range(0, y.size, 1, "float32")), y.shape);
            return { dx: tf.grad((v) => tf.sum(tf.mul(pool(v as tf.Tensor4D), factors)))(image) };
          };
          const { dx } = interpret(trace(gradient as never, { x: spec, w: spec } as never), { x, w: other }) as {
            dx: tf.Tensor;
          };
          const y = pool(other);
          const factors = tf.reshape(tf.cos(tf.range(0, y.size, 1, "float32")), y.shape);
          const [left, right] = [tf.sum(tf.mul(y, factors)), tf.sum(tf.mul(dx, other))].map(
            (each) => each.dataSync()[0]!,
          );
          expect(Math.abs(left! - right!)).toBeLessThan(1e-4 * (1 + Math.abs(left!)));
        });
      }),
      { numRuns: 40, seed: 1 },
    );
  });

  it("give the gradient of equal values to one of them", () => {
    const program: Program = ({ x }) => ({
      dx: tf.grad((v) => tf.sum(tf.maxPool(v as tf.Tensor4D, 2, 2, "valid")))(x),
    });
    const specs = { x: { shape: [1, 2, 2, 1], dtype: "float32" }, w: { shape: [1], dtype: "float32" } } as const;
    const graph = trace(program as never, specs as never);
    const { dx } = interpret(graph, { x: tf.ones([1, 2, 2, 1]), w: tf.ones([1]) }) as { dx: tf.Tensor };
    expect([...dx.dataSync()].sort((a, b) => a - b)).toEqual([0, 0, 0, 1]);
  });

  it("refuse channels that come first", () => {
    const program: Program = ({ x, w }) => ({ y: tf.conv2d(x as tf.Tensor4D, w as tf.Tensor4D, 1, "same", "NCHW") });
    const specs = {
      x: { shape: [1, 3, 4, 4], dtype: "float32" },
      w: { shape: [2, 2, 3, 1], dtype: "float32" },
    } as const;
    expect(() => trace(program as never, specs as never)).toThrow(expect.objectContaining({ code: "unsupported-op" }));
  });
});
