import type { DeviceTensor, IEngine, TensorSpec } from "@pipe/core";
import { hostTensor, PipeError, Random, sizeOf } from "@pipe/core";
import type { TestFramework } from "@pipe/core/testing";
import { interpret } from "../interpret.ts";
import * as tf from "../tf.ts";
import { trace } from "../trace.ts";
import { compositeProgram, type Tensors } from "./composite-program.ts";
import { engineTolerances, exactOps } from "./tolerances.ts";
import { opPrograms } from "./op-programs.ts";

/**
 * What every engine must do: compute all plain ops and composites as the reference does, own and donate memory, copy
 * host arrays, snapshot, refuse wrong inputs by code, and hold no more after many runs than after one.
 */
export function engineContract(make: () => Promise<IEngine>, { describe, it, expect }: TestFramework): void {
  const withEngine =
    (body: (engine: IEngine) => Promise<void>): (() => Promise<void>) =>
    async () => {
      const engine = await make();
      try {
        await body(engine);
      } finally {
        await engine[Symbol.asyncDispose]();
      }
    };
  const random = new Random(1);
  const uniform = (shape: readonly number[]): Float32Array =>
    Float32Array.from({ length: sizeOf(shape) }, () => 0.2 + 1.8 * random.uniform());
  const codeOf = async (body: () => Promise<unknown>): Promise<string> => {
    try {
      await body();
    } catch (error) {
      if (PipeError.is(error)) return error.code;
      throw error;
    }
    return "nothing was thrown";
  };
  const compare = (got: ArrayLike<number>, expected: ArrayLike<number>, tolerance: number): void => {
    expect(got.length).toBe(expected.length);
    for (let i = 0; i < expected.length; i++) {
      const difference = Object.is(got[i], expected[i]) ? 0 : Math.abs(got[i]! - expected[i]!);
      expect(difference).toBeLessThanOrEqual(tolerance * (1 + Math.abs(expected[i]!)));
    }
  };
  const vector: TensorSpec = { shape: [3], dtype: "float32" };
  const counter = (engine: IEngine) =>
    engine.compile(
      ({ state, by }: { state: { sum: tf.Tensor }; by: tf.Tensor }) => ({
        state: { sum: tf.add(state.sum, by) },
        total: tf.sum(state.sum),
      }),
      { state: { sum: vector }, by: vector },
      { donate: ["state"] },
    );

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
        const executable = await engine.compile(compositeProgram as (inputs: Tensors) => Tensors, specs as never);
        const tensors = Object.fromEntries(
          Object.entries(arrays).map(([name, data]) => {
            const { shape, dtype } = specs[name as keyof typeof specs];
            return [name, tf.tensor(data, [...shape], dtype)];
          }),
        );
        const expected = interpret(
          trace(compositeProgram as (inputs: Tensors) => Tensors, specs as never),
          tensors,
        ) as Tensors;
        const first = (await executable.run(arrays as never)) as { readonly [name: string]: DeviceTensor };
        const second = (await executable.run(arrays as never)) as { readonly [name: string]: DeviceTensor };
        for (const [name, tensor] of Object.entries(expected)) {
          const got = await first[name]!.read();
          compare(got, tensor.dataSync(), engineTolerances["default"]!);
          expect([...(await second[name]!.read())]).toEqual([...got]);
        }
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
        const executable = await engine.compile(program as (inputs: Tensors) => Tensors, specs as never);
        const got = (await executable.run(arrays as never)) as { readonly [name: string]: DeviceTensor };
        const tensors = Object.entries(arrays).map(
          ([name, data]) => [name, tf.tensor(data, [...specs[name as keyof typeof specs].shape])] as const,
        );
        const graph = trace(program as (inputs: Tensors) => Tensors, specs as never);
        const expected = interpret(graph, Object.fromEntries(tensors)) as Tensors;
        for (const [name, tensor] of Object.entries(expected))
          compare(await got[name]!.read(), tensor.dataSync(), engineTolerances["default"]!);
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
        const executable = await engine.compile(program as (inputs: Tensors) => Tensors, specs as never);
        const got = (await executable.run(arrays as never)) as { readonly [name: string]: DeviceTensor };
        const expected = interpret(trace(program as (inputs: Tensors) => Tensors, specs as never), {
          image: tf.tensor(arrays.image, [...specs.image.shape]),
          filter: tf.tensor(arrays.filter, [...specs.filter.shape]),
        }) as Tensors;
        for (const [name, tensor] of Object.entries(expected))
          compare(await got[name]!.read(), tensor.dataSync(), engineTolerances["default"]!);
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

  describe("engine contract: memory", () => {
    it(
      "keeps state on the device, donates it, and holds no more after 50 steps than after one",
      withEngine(async (engine) => {
        const executable = await counter(engine);
        let { state } = await engine.put({ state: { sum: hostTensor([3], new Float32Array(3)) } });
        const by = Float32Array.of(1, 2, 3);
        const first = state;
        let after: unknown;
        // The peak is a measure of the whole process.
        const held = (): object => ({ ...engine.memory(), peakBytes: undefined });
        for (let step = 0; step < 50; step++) {
          const out = await executable.run({ state, by });
          state = out.state;
          expect([...(await out.total.read())]).toEqual([6 * step]);
          out.total[Symbol.dispose]();
          if (step === 2) after = held();
        }
        expect(held()).toEqual(after);
        expect([...(await state.sum.read())]).toEqual([50, 100, 150]);
        expect(await codeOf(() => first.sum.read())).toBe("tensor-donated");
        expect(await codeOf(() => executable.run({ state: first, by }))).toBe("tensor-donated");
        state.sum[Symbol.dispose]();
        state.sum[Symbol.dispose]();
        await executable[Symbol.asyncDispose]();
        await executable[Symbol.asyncDispose]();
        const { tensors, tensorBytes, executables } = engine.memory();
        expect([tensors, tensorBytes, executables]).toEqual([0, 0, 0]);
      }),
    );

    it(
      "copies host arrays before run() returns",
      withEngine(async (engine) => {
        const executable = await engine.compile(({ x }: { x: tf.Tensor }) => ({ y: tf.neg(x) }), { x: vector });
        const x = Float32Array.of(1, 2, 3);
        const pending = executable.run({ x });
        x.fill(9);
        expect([...(await (await pending).y.read())]).toEqual([-1, -2, -3]);
      }),
    );

    it(
      "snapshots state that later steps overwrite",
      withEngine(async (engine) => {
        const executable = await counter(engine);
        let { state } = await engine.put({ state: { sum: hostTensor([3], Float32Array.of(1, 2, 3)) } });
        const snapshot = await engine.snapshot({ state });
        for (let step = 0; step < 5; step++)
          ({ state } = await executable.run({ state, by: Float32Array.of(1, 1, 1) }));
        expect([...snapshot.specs]).toEqual([["state/sum", vector]]);
        const read: unknown[] = [];
        for await (const { path, spec, bytes } of snapshot.tensors()) {
          read.push([path, spec, [...new Float32Array(bytes.slice().buffer)]]);
        }
        expect(read).toEqual([["state/sum", vector, [1, 2, 3]]]);
        await snapshot[Symbol.asyncDispose]();
        expect([...(await state.sum.read())]).toEqual([6, 7, 8]);
        expect(engine.memory().tensors).toBe(6);
      }),
    );
  });

  describe("engine contract: errors", () => {
    it(
      "refuses wrong inputs by code",
      withEngine(async (engine) => {
        const executable = await engine.compile(({ x }: { x: tf.Tensor }) => ({ y: tf.neg(x) }), { x: vector });
        const run = (inputs: unknown): Promise<string> => codeOf(() => executable.run(inputs as never));
        const x = new Float32Array(3);
        expect(await run({})).toBe("input-missing");
        expect(await run({ x, z: x })).toBe("input-unknown");
        expect(await run({ x: new Float32Array(4) })).toBe("input-mismatch");
        expect(await run({ x: new Int32Array(3) })).toBe("input-mismatch");
        const { wrong, right } = await engine.put({
          wrong: hostTensor([4], new Float32Array(4)),
          right: hostTensor([3], x),
        });
        expect(await run({ x: wrong })).toBe("input-mismatch");
        right[Symbol.dispose]();
        expect(await run({ x: right })).toBe("tensor-disposed");
        expect(await codeOf(() => right.read())).toBe("tensor-disposed");
        expect(await codeOf(() => engine.put({ x: { spec: vector, data: new Float32Array(2) } }))).toBe(
          "input-mismatch",
        );
        const other = await make();
        const { foreign } = await other.put({ foreign: hostTensor([3], x) });
        expect(await run({ x: foreign })).toBe("tensor-foreign");
        await other[Symbol.asyncDispose]();
        await executable[Symbol.asyncDispose]();
        expect(await run({ x })).toBe("executable-disposed");
      }),
    );

    it(
      "refuses impure programs and goes on working",
      withEngine(async (engine) => {
        const impure = ({ x }: { x: tf.Tensor }): { y: tf.Tensor } => ({ y: tf.dropout(x, 0.5) });
        expect(await codeOf(() => engine.compile(impure, { x: vector }))).toBe("impure-program");
        const executable = await engine.compile(({ x }: { x: tf.Tensor }) => ({ y: tf.neg(x) }), { x: vector });
        expect([...(await (await executable.run({ x: Float32Array.of(1, 2, 3) })).y.read())]).toEqual([-1, -2, -3]);
      }),
    );

    it(
      "fails clearly after disposal",
      withEngine(async (engine) => {
        const { x } = await engine.put({ x: hostTensor([3], new Float32Array(3)) });
        await engine[Symbol.asyncDispose]();
        expect(await codeOf(() => x.read())).toBe("engine-closed");
      }),
    );
  });
}
