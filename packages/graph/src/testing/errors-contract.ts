import { hostTensor } from "@pipe/core";
import * as tf from "../tf.ts";
import { codeOf, type ContractKit, vector } from "./contract-kit.ts";

/** What cannot be done is refused by code, and the engine goes on. */
export function errorsContract({ describe, it, expect, make, withEngine }: ContractKit): void {
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
        expect(await codeOf(() => engine.snapshot({ x: foreign }))).toBe("tensor-foreign");
        expect(await codeOf(() => engine.snapshot({ x: right }))).toBe("tensor-disposed");
        await other[Symbol.asyncDispose]();
        await executable[Symbol.asyncDispose]();
        expect(await run({ x })).toBe("executable-disposed");
      }),
    );

    it(
      "refuses a tensor that is given twice to a run that consumes it, and leaves it as it was",
      withEngine(async (engine) => {
        const program = ({ a, b }: { a: tf.Tensor; b: tf.Tensor }): { a: tf.Tensor } => ({ a: tf.add(a, b) });
        const executable = await engine.compile(program, { a: vector, b: vector }, { donate: ["a"] });
        const { x } = await engine.put({ x: hostTensor([3], Float32Array.of(1, 2, 3)) });
        expect(await codeOf(() => executable.run({ a: x, b: x }))).toBe("tensor-donated");
        const { y } = await engine.put({ y: hostTensor([3], Float32Array.of(1, 1, 1)) });
        expect([...(await (await executable.run({ a: y, b: x })).a.read())]).toEqual([2, 3, 4]);
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
