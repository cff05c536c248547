import type { DeviceTensor, IEngine } from "@pipe/core";
import { hostTensor } from "@pipe/core";
import * as tf from "../tf.ts";
import { codeOf, type ContractKit, vector } from "./contract-kit.ts";

/** State stays on the device, inputs are copied, and nothing is held for longer than it is used. */
export function memoryContract({ describe, it, expect, withEngine }: ContractKit): void {
  const counter = (engine: IEngine) =>
    engine.compile(
      ({ state, by }: { state: { sum: tf.Tensor }; by: tf.Tensor }) => ({
        state: { sum: tf.add(state.sum, by) },
        total: tf.sum(state.sum),
      }),
      { state: { sum: vector }, by: vector },
      { donate: ["state"] },
    );

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
      "updates donated state that it hands out too, that has no elements, and that is bounded by infinities",
      withEngine(async (engine) => {
        const empty = { shape: [0], dtype: "float32" } as const;
        const executable = await engine.compile(
          ({ a, b, none }: { a: tf.Tensor; b: tf.Tensor; none: tf.Tensor }) => ({
            a: tf.minimum(a, Infinity),
            b: tf.minimum(b, -Infinity),
            none: tf.mul(none, 2),
            before: b,
          }),
          { a: vector, b: vector, none: empty },
          { donate: ["a", "b", "none"] },
        );
        const elements = (): Float32Array => Float32Array.of(1, 2, 3);
        const state = await engine.put({
          a: hostTensor([3], elements()),
          b: hostTensor([3], elements()),
          none: hostTensor([0], new Float32Array()),
        });
        const out = await executable.run(state);
        const read = await Promise.all(Object.values(out).map(async (tensor) => [...(await tensor.read())]));
        expect(read).toEqual([[1, 2, 3], [-Infinity, -Infinity, -Infinity], [], [1, 2, 3]]);
      }),
    );

    it(
      "updates state in another place than the run before, and two states in turn",
      withEngine(async (engine) => {
        const executable = await engine.compile(
          ({ a, b }: { a: tf.Tensor; b: tf.Tensor }) => ({ a: tf.add(a, 1), b: tf.mul(b, 2) }),
          { a: vector, b: vector },
          { donate: ["a", "b"] },
        );
        const start = (value: number) =>
          engine.put({
            a: hostTensor([3], new Float32Array(3).fill(value)),
            b: hostTensor([3], new Float32Array(3).fill(10 * value)),
          });
        let [first, second] = [await start(1), await start(2)];
        for (let turn = 0; turn < 2; turn++) {
          const out = await Promise.all([executable.run(first), executable.run(second)]);
          [first, second] = out.map(({ a, b }) => ({ a: b, b: a })) as [typeof first, typeof second];
        }
        const read = await Promise.all([first.a, first.b, second.a, second.b].map((tensor) => tensor.read()));
        // (1, 10) → (2, 20) → (20, 2) → (21, 4) → (4, 21), and (2, 20) → (3, 40) → (40, 3) → (41, 6) → (6, 41)
        expect(read.map(([value]) => value)).toEqual([4, 21, 6, 41]);
      }),
    );

    it(
      "copies what it puts on the device, or takes it where it is handed over",
      withEngine(async (engine) => {
        const elements = (): Float32Array => Float32Array.of(1, 2, 3);
        const [kept, whole, twice, buffer] = [elements(), elements(), elements(), new Float32Array(6).fill(4)];
        const copied = await engine.put({ kept: hostTensor([3], kept) });
        kept.fill(9);
        const part = buffer.subarray(3);
        const tensors = await engine.put(
          {
            whole: hostTensor([3], whole),
            part: hostTensor([3], part),
            one: hostTensor([3], twice),
            other: hostTensor([3], twice),
          },
          { transfer: true },
        );
        buffer.fill(9);
        const read = async (tensor: DeviceTensor): Promise<number[]> => [...(await tensor.read())];
        expect(await read(copied.kept)).toEqual([1, 2, 3]);
        expect(await Promise.all(Object.values(tensors).map(read))).toEqual([
          [1, 2, 3],
          [4, 4, 4],
          [1, 2, 3],
          [1, 2, 3],
        ]);
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
}
