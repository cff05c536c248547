import type { HostTensor, IEngine, TensorSpec } from "@pipe/core";
import { hostTensor } from "@pipe/core";
import { interpret, trace } from "@pipe/graph";
import { choose } from "@pipe/graph/ops";
import * as tf from "@pipe/graph/tf";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createOnnxEngine } from "../create-engine.ts";
import { lower } from "../lower.ts";
import type { UpdatePlan } from "../protocol.ts";
import { findUpdates } from "./find-updates.ts";
import { UpdateMemory } from "./update-memory.ts";

let engine: IEngine;
beforeAll(async () => {
  await tf.setBackend("cpu");
  engine = await createOnnxEngine({ threads: 1 });
});
afterAll(() => engine[Symbol.asyncDispose]());

const SIZE = 7;
const vector: TensorSpec = { shape: [SIZE], dtype: "float32" };
const scalar: TensorSpec = { shape: [], dtype: "float32" };
const specs = { state: { a: vector, b: vector, c: scalar }, x: vector, limit: scalar };
type State = { readonly a: tf.Tensor; readonly b: tf.Tensor; readonly c: tf.Tensor };
type Inputs = { readonly state: State; readonly x: tf.Tensor; readonly limit: tf.Tensor };
type Program = (inputs: Inputs) => { readonly state: State; readonly [name: string]: tf.Tensor | State };

const isDonated = (path: string): boolean => path.startsWith("state/");
const plans = (program: Program): readonly UpdatePlan[] =>
  lower(trace(program as never, specs as never), { isDonated }).updates;

const values = (): { [name: string]: Float32Array } => ({
  a: Float32Array.from({ length: SIZE }, (_, i) => i - 2.5),
  b: Float32Array.from({ length: SIZE }, (_, i) => 0.5 + i),
  c: Float32Array.of(3),
  x: Float32Array.from({ length: SIZE }, (_, i) => 2 - i / 2),
});

/** Two runs in a row on the engine, and by the reference. */
async function compare(program: Program, limit = 100): Promise<void> {
  const graph = trace(program as never, specs as never);
  const executable = await engine.compile(program as never, specs as never, { donate: ["state"] });
  const { a, b, c, x } = values() as { [name in "a" | "b" | "c" | "x"]: Float32Array };
  const host = { a: hostTensor([SIZE], a), b: hostTensor([SIZE], b), c: hostTensor([], c) };
  let state: unknown = await engine.put(host as { [name: string]: HostTensor });
  let expected = { a: tf.tensor1d(a), b: tf.tensor1d(b), c: tf.scalar(c[0]!) } as State;
  for (let run = 0; run < 2; run++) {
    const feeds = { state, x, limit: Float32Array.of(limit) };
    const out = (await executable.run(feeds as never)) as unknown as {
      state: { [name: string]: { read(): Promise<Float32Array> } };
    };
    const inputs = { state: expected, x: tf.tensor1d(x), limit: tf.scalar(limit) };
    expected = (interpret(graph, inputs as never) as unknown as { state: State }).state;
    for (const name of ["a", "b", "c"] as const) {
      const want = expected[name].dataSync();
      (await out.state[name]!.read()).forEach((value, i) => expect(value).toBeCloseTo(want[i]!, 4));
    }
    ({ state } = out);
  }
  await executable[Symbol.asyncDispose]();
}

const ops: { readonly [name: string]: (a: tf.Tensor, x: tf.Tensor, limit: tf.Tensor) => tf.Tensor } = {
  arithmetic: (a, x, limit) => tf.div(tf.sub(tf.mul(tf.add(a, x), 0.5), limit), 3),
  extremes: (a, x) => tf.minimum(tf.maximum(a, x), 1.5),
  "square, root and their inverses": (a) => tf.add(tf.rsqrt(tf.add(tf.square(a), 1)), tf.sqrt(tf.abs(a))),
  "reciprocal and difference": (a, x) => tf.reciprocal(tf.add(tf.squaredDifference(a, x), 1)),
  "signs and bounds": (a, x) => tf.add(tf.sign(a), tf.clipByValue(tf.relu(tf.neg(x)), 0.25, 1)),
  "a choice": (a, x, limit) => choose(tf.greater(limit, 50), tf.add(a, x), x),
  "a constant of the full shape": (a) => tf.add(a, tf.fill([SIZE], 2)),
};

describe("updates in place", () => {
  it.each(Object.keys(ops))("compute %s as the reference does", async (name) => {
    const program: Program = ({ state, x, limit }) => {
      const a = ops[name]!(state.a, x, limit);
      return { state: { a, b: tf.mul(state.b, a), c: state.c } };
    };
    // Both go into one kernel, since the second needs the first.
    expect(plans(program).map(({ replaces }) => replaces.length)).toEqual([2]);
    await compare(program);
    await compare(program, 1);
  });

  it("leave state alone where it is refused, though the rest is NaN", async () => {
    const program: Program = ({ state, x, limit }) => {
      const accept = tf.less(tf.sum(x), limit);
      const a = choose(accept, tf.mul(state.a, tf.div(x, tf.sub(limit, limit))), state.a);
      return {
        state: { a, b: choose(accept, tf.add(state.b, x), state.b), c: choose(accept, tf.add(state.c, 1), state.c) },
      };
    };
    expect(plans(program)).toHaveLength(1);
    await compare(program, -100);
  });

  it("are not made of what depends on other shapes, other ops or two conditions", () => {
    const updatesOf = (program: Program): number =>
      findUpdates(trace(program as never, specs as never), isDonated).length;
    expect(updatesOf(({ state, x }) => ({ state: { ...state, a: tf.exp(tf.add(state.a, x)) } }))).toBe(0);
    expect(updatesOf(({ state }) => ({ state: { ...state, c: tf.add(state.c, 1) } }))).toBe(0);
    const twoConditions: Program = ({ state, x, limit }) => ({
      state: {
        a: choose(tf.less(limit, 1), tf.add(state.b, x), state.a),
        b: choose(tf.less(limit, 2), tf.add(state.a, x), state.b),
        c: state.c,
      },
    });
    expect(updatesOf(twoConditions)).toBe(0);
    // What another output needs as well is computed before.
    const shared: Program = ({ state, x }) => {
      const sum = tf.add(state.a, x);
      return { state: { ...state, a: tf.mul(sum, 2) }, total: tf.sum(sum) };
    };
    expect(plans(shared)).toHaveLength(1);
  });

  it("keep every tensor of a program that is run on two states in turn", async () => {
    const program = ({ state, x }: { state: { a: tf.Tensor }; x: tf.Tensor }) => ({ state: { a: tf.add(state.a, x) } });
    const executable = await engine.compile(program, { state: { a: vector }, x: vector }, { donate: ["state"] });
    const ones = new Float32Array(SIZE).fill(1);
    const put = (value: number) => engine.put({ a: hostTensor([SIZE], new Float32Array(SIZE).fill(value)) });
    let [first, second] = [await put(0), await put(10)];
    for (let i = 0; i < 3; i++) {
      ({ state: first } = await executable.run({ state: first, x: ones }));
      ({ state: second } = await executable.run({ state: second, x: ones }));
    }
    const fromHost = await executable.run({ state: { a: new Float32Array(SIZE).fill(20) }, x: ones });
    for (const [state, expected] of [
      [first, 3],
      [second, 13],
      [fromHost.state, 21],
    ] as const) {
      expect([...(await state.a.read())]).toEqual(Array<number>(SIZE).fill(expected));
    }
    first.a[Symbol.dispose]();
    await executable[Symbol.asyncDispose]();
    expect([...(await second.a.read())][0]).toBe(13);
  });

  it("hands state that nothing changes through without a copy", async () => {
    const program: Program = ({ state, x }) => ({ state: { ...state, a: tf.add(state.a, x) } });
    const { outputs, fetches } = lower(trace(program as never, specs as never), { isDonated });
    expect(outputs.map(({ from }) => Object.keys(from)[0])).toEqual(["update", "input", "input"]);
    expect(fetches).toHaveLength(0);
    await compare(program);
  });
});

describe("UpdateMemory", () => {
  it("refuses what WebAssembly cannot address", () => {
    const update = { function: 0, byteLength: 2 ** 31, arrays: [{ input: 0 }, { input: 1 }, { input: 2 }] };
    const plan = { module: new Uint8Array(), updates: [{ ...update, scalars: [], replaces: [0] }] };
    expect(() => new UpdateMemory(plan)).toThrow("6.0 GiB");
  });
});
