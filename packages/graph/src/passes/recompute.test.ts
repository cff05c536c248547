import type { TensorSpec } from "@pipe/core";
import { beforeAll, describe, expect, it } from "vitest";
import { forwardContext } from "../forward-context.ts";
import type { Graph } from "../graph.ts";
import { interpret } from "../interpret.ts";
import { dropout, gelu } from "../ops/index.ts";
import * as tf from "../tf.ts";
import { trace } from "../trace.ts";
import { checkShapes } from "./check-shapes.ts";
import { mergeCommonSubexpressions } from "./common-subexpressions.ts";
import { removeDeadNodes } from "./dead.ts";
import { decompose } from "./decompose.ts";
import { plannedPeak } from "./planned-peak.ts";
import { recompute } from "./recompute.ts";

beforeAll(async () => {
  await tf.setBackend("cpu");
});

const WIDTH = 4;
const specs = {
  x: { shape: [32, WIDTH], dtype: "float32" },
  w: { shape: [WIDTH, 8 * WIDTH], dtype: "float32" },
  v: { shape: [8 * WIDTH, WIDTH], dtype: "float32" },
  seed: { shape: [2], dtype: "int32" },
} as const satisfies { [name: string]: TensorSpec };
type Inputs = { readonly [name in keyof typeof specs]: tf.Tensor };

/** Loss and gradients of three blocks in a row, each much wider inside, with dropout. */
function program({ x, w, v, seed }: Inputs): { [name: string]: tf.Tensor } {
  const loss = (...[a, b]: tf.Tensor[]): tf.Scalar => {
    const context = forwardContext({ training: true, seed });
    let y: tf.Tensor = tf.neg(x);
    for (let i = 0; i < 3; i++) {
      y = context.block(`h.${i}`, () => tf.add(y, tf.matMul(dropout(gelu(tf.matMul(y, a!)), 0.25, context), b!)));
    }
    return tf.sum(tf.square(y));
  };
  const { value, grads } = tf.valueAndGrads(loss)([w, v]);
  return { value, w: grads[0]!, v: grads[1]! };
}

const graph = (): Graph => trace(program, specs);
const optimised = (given: Graph): Graph =>
  checkShapes(removeDeadNodes(mergeCommonSubexpressions(decompose(given, (op) => op === "barrier"))));

describe("recompute", () => {
  it("gives the same bits, with dropout's masks drawn again", () => {
    const fill = (shape: readonly number[], salt: number): tf.Tensor =>
      tf.mul(tf.randomUniform([...shape], -1, 1, "float32", salt), 0.5);
    const inputs = {
      ...Object.fromEntries((["x", "w", "v"] as const).map((n, i) => [n, fill(specs[n].shape, i + 1)])),
      seed: tf.tensor1d([1, 2], "int32"),
    };
    const expected = interpret(optimised(graph()), inputs) as { [name: string]: tf.Tensor };
    for (const names of [["h.1"], ["h.*"], ["h.0", "h.2"]]) {
      const got = interpret(optimised(recompute(graph(), names)), inputs) as { [name: string]: tf.Tensor };
      for (const [name, tensor] of Object.entries(expected)) expect(got[name]!.dataSync()).toEqual(tensor.dataSync());
    }
  });

  it("lets go of what is inside the blocks", () => {
    const whole = optimised(graph());
    const again = optimised(recompute(graph(), ["h.*"]));
    expect(plannedPeak(again)).toBeLessThan(0.8 * plannedPeak(whole));
    const products = ({ nodes }: Graph): number => nodes.filter(({ op }) => op === "BatchMatMul").length;
    // The first product of each block is made twice; the second is what the block returns.
    expect(products(again) - products(whole)).toBe(3);
    expect(again.nodes.filter(({ op }) => op === "barrier").length).toBeGreaterThanOrEqual(2);
  });

  it("does nothing where nothing is named, or nothing is differentiated", () => {
    const given = graph();
    expect(recompute(given, [])).toBe(given);
    const forward = trace(
      ({ x, seed }: { x: tf.Tensor; seed: tf.Tensor }) => {
        const y = forwardContext({ training: false, seed }).block("only", () => ({
          all: [tf.exp(tf.neg(x))],
          none: null,
        }));
        return { y: tf.add(y.all[0]!, 1) };
      },
      { x: specs.x, seed: specs.seed },
    );
    expect(recompute(forward, ["only"]).nodes).toEqual(forward.nodes);
  });

  it("names the blocks that there are where a name fits none", () => {
    expect(() => recompute(graph(), ["layers.*"])).toThrow(/h\.0, h\.1, h\.2/);
    expect(() =>
      recompute(
        trace(({ x }: { x: tf.Tensor }) => ({ y: tf.exp(x) }), { x: specs.x }),
        ["*"],
      ),
    ).toThrow("a program with blocks");
  });
});
