import { trace } from "@pipe/graph";
import { choose } from "@pipe/graph/ops";
import * as tf from "@pipe/graph/tf";
import { describe, expect, it } from "vitest";
import { findBranches } from "./branches.ts";
import { createOnnxEngine } from "./create-engine.ts";

const vector = { shape: [2], dtype: "float32" } as const;
const specs = { x: vector, old: vector, limit: { shape: [], dtype: "float32" } } as const;
type Inputs = { readonly x: tf.Tensor; readonly old: tf.Tensor; readonly limit: tf.Tensor };

/** Two choices of one condition; `shared` is computed for the first branch and used outside as well. */
function program({ x, old, limit }: Inputs): { [name: string]: tf.Tensor } {
  const shared = tf.exp(x);
  const accept = tf.less(tf.sum(x), limit);
  const next = tf.log(tf.add(shared, 1));
  return {
    a: choose(accept, next, old),
    b: choose(accept, tf.mul(next, next), x),
    same: choose(accept, old, old),
    shared,
  };
}

/** A choice that another choice of the same condition needs. */
function chained({ x, old, limit }: Inputs): { [name: string]: tf.Tensor } {
  const accept = tf.less(tf.sum(x), limit);
  const first = choose(accept, tf.neg(x), old);
  return { y: choose(accept, tf.add(first, 1), old) };
}

describe("branches", () => {
  it("take in what only the first branch needs", () => {
    const graph = trace(program, specs);
    const [branch, ...more] = findBranches(graph);
    const ops = [...branch!.members].map((number) => graph.nodes[number]!.op).sort();
    // The 1 that is added is among them; exp is an output and the sum makes the condition.
    expect([ops, branch!.chooses.length, more.length]).toEqual([["Add", "Fill", "Log", "Multiply"], 3, 0]);
    expect(findBranches(trace(chained, specs))).toEqual([]);
  });

  it("give the values of the taken branch, whatever the other one would be", async () => {
    const engine = await createOnnxEngine({ threads: 1 });
    const executable = await engine.compile(program, specs);
    const run = async (x: number[], limit: number): Promise<{ [name: string]: number[] }> => {
      const feeds = { x: Float32Array.from(x), old: Float32Array.of(7, 8), limit: Float32Array.of(limit) };
      const out = (await executable.run(feeds)) as { [name: string]: { read(): Promise<ArrayLike<number>> } };
      const read = Object.entries(out).map(async ([name, tensor]): Promise<[string, number[]]> => [
        name,
        Array.from(await tensor.read()),
      ]);
      return Object.fromEntries(await Promise.all(read));
    };
    const taken = await run([0, 1], 5);
    expect(taken["a"]![1]).toBeCloseTo(Math.log(Math.E + 1), 5);
    expect(taken["b"]![0]).toBeCloseTo(Math.log(2) ** 2, 5);
    const refused = await run([Number.NaN, 1], 5);
    expect([refused["a"], refused["b"], refused["same"]]).toEqual([
      [7, 8],
      [Number.NaN, 1],
      [7, 8],
    ]);
    const other = await engine.compile(chained, specs);
    const feeds = { x: Float32Array.of(1, 2), old: Float32Array.of(7, 8), limit: Float32Array.of(9) };
    const out = (await other.run(feeds)) as { [name: string]: { read(): Promise<ArrayLike<number>> } };
    expect(Array.from(await out["y"]!.read())).toEqual([0, -1]);
    await engine[Symbol.asyncDispose]();
  });
});
