import { PipeError } from "@pipe/core";
import { beforeAll, describe, expect, it } from "vitest";
import { constant } from "./constant.ts";
import { formatGraph } from "./graph.ts";
import { interpret } from "./interpret.ts";
import * as tf from "./tf.ts";
import { trace } from "./trace.ts";

beforeAll(async () => {
  await tf.setBackend("cpu");
});

const vector = { shape: [2], dtype: "float32" } as const;

function codeOf(body: () => unknown): { code: string; message: string } {
  try {
    body();
  } catch (error) {
    if (PipeError.is(error)) return error;
    throw error;
  }
  throw new Error("nothing was thrown");
}

describe("trace", () => {
  it("records a program as plain data with source lines", () => {
    const graph = trace(({ x }: { x: tf.Tensor }) => ({ y: tf.add(tf.mul(x, 2), x) }), { x: vector });
    expect(formatGraph(graph).replace(/ {2}# .*trace\.test\.ts:\d+:\d+/g, "  # here")).toBe(
      [
        '%0: float32 [2] = Input(path="x")',
        '%1: float32 [] = Fill(shape=[], value=2, dtype="float32")  # here',
        "%2: float32 [2] = Multiply(%0, %1)  # here",
        "%3: float32 [2] = Add(%2, %0)  # here",
        "y = %3",
      ].join("\n"),
    );
    expect(JSON.parse(JSON.stringify(graph))).toEqual(graph);
  });

  it("differentiates symbolically", async () => {
    const program = ({ x }: { x: tf.Tensor }): { [name: string]: tf.Tensor } => {
      const { value, grads } = tf.valueAndGrads((v) => tf.sum(tf.square(v)))([x]);
      return { value, slope: grads[0]! };
    };
    const graph = trace(program, { x: vector });
    const x = tf.tensor1d([3, 4]);
    const result = interpret(graph, { x }) as { [name: string]: tf.Tensor };
    expect([...(await result["value"]!.data())]).toEqual([25]);
    expect([...(await result["slope"]!.data())]).toEqual([6, 8]);
    expect([...(await x.data())]).toEqual([3, 4]);
  });

  it("leaves the user's backend and tensors as they were", () => {
    const before = [tf.getBackend(), tf.memory().numTensors];
    trace(({ x }: { x: tf.Tensor }) => ({ y: tf.exp(x) }), { x: vector });
    expect([tf.getBackend(), tf.memory().numTensors]).toEqual(before);
    const captured = tf.scalar(1);
    codeOf(() => trace(({ x }: { x: tf.Tensor }) => ({ y: tf.add(x, captured) }), { x: vector }));
    expect(tf.getBackend()).toBe(before[0]);
    expect([...captured.dataSync()]).toEqual([1]);
  });

  it("refuses an impure program and names the line", () => {
    const error = codeOf(() => trace(({ x }: { x: tf.Tensor }) => ({ y: tf.dropout(x, 0.5) }), { x: vector }));
    expect(error.code).toBe("impure-program");
    expect(error.message).toMatch(/trace\.test\.ts:\d+/);
    let sign = -1;
    const turns = codeOf(() => trace(() => ({ y: tf.fill([2], (sign = -sign) * Infinity) }), {}));
    expect(turns).toMatchObject({ code: "impure-program", message: expect.stringContaining("value=-Infinity") });
    let calls = 0;
    const counts = codeOf(() =>
      trace(({ x }: { x: tf.Tensor }) => ({ y: calls++ === 0 ? x : tf.exp(x) }), { x: vector }),
    );
    expect(counts.message).toContain("nothing, then Exp");
  });

  it("refuses a captured tensor, and takes it through constant()", () => {
    const captured = tf.tensor1d([1, 2]);
    const error = codeOf(() => trace(({ x }: { x: tf.Tensor }) => ({ y: tf.add(x, captured) }), { x: vector }));
    expect(error.code).toBe("captured-tensor");
    expect(error.message).toMatch(/float32 \[2\][^]*trace\.test\.ts:\d+[^]*constant\(tensor\)/);
    const graph = trace(({ x }: { x: tf.Tensor }) => ({ y: tf.add(x, constant(captured)) }), { x: vector });
    const { y } = interpret(graph, { x: tf.tensor1d([1, 1]) }) as { y: tf.Tensor };
    expect([...y.dataSync()]).toEqual([2, 3]);
  });

  it.each([
    ["read-while-tracing", ({ x }: { x: tf.Tensor }) => ({ y: tf.scalar(x.dataSync()[0]!) })],
    ["unsupported-op", ({ x }: { x: tf.Tensor }) => ({ y: tf.cumsum(x) })],
    ["unsupported-op", ({ x }: { x: tf.Tensor }) => ({ y: tf.gather(x, tf.tensor([0], [1], "int32"), 0, 1) })],
    ["unsupported-op", () => ({ y: tf.complex([1], [1]) })],
    ["unsupported-op", () => ({ y: tf.tensor(["text"]) })],
    ["nested-trace", ({ x }: { x: tf.Tensor }) => (trace(() => ({}), {}), { y: x })],
    ["program-output", () => ({ y: 3 as unknown as tf.Tensor })],
  ])("throws %s naming the line", (code, program) => {
    const error = codeOf(() => trace(program, { x: vector }));
    expect(error.code).toBe(code);
    if (code !== "program-output") expect(error.message).toMatch(/trace\.test\.ts:\d+/);
  });

  it("knows equal elements as a fill and warns of large constants", () => {
    const graph = trace(() => ({ ones: tf.ones([300_000]), large: tf.range(0, 300_000) }), {});
    expect(graph.nodes.map(({ op }) => op)).toEqual(["Fill", "Constant"]);
    expect(graph.warnings).toHaveLength(1);
    expect(graph.warnings[0]).toMatch(/constant of 1\.1 MiB[^]*trace\.test\.ts/);
  });

  it("records nothing for moves that change nothing", () => {
    const graph = trace(
      ({ x }: { x: tf.Tensor }) => ({
        y: tf.cast(tf.transpose(tf.reshape(tf.tile(tf.clone(x), [1]), [2]), [0]), "float32"),
      }),
      { x: vector },
    );
    expect(graph.nodes).toHaveLength(1);
  });
});
