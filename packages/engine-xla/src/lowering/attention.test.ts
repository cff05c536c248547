import type { TensorSpec } from "@pipe/core";
import { forwardContext, trace } from "@pipe/graph";
import { causalAttention } from "@pipe/graph/ops";
import * as tf from "@pipe/graph/tf";
import { beforeAll, describe, expect, it } from "vitest";
import { lower, type LowerOptions, type StableHloProgram } from "../lower.ts";

type Inputs = { readonly q: tf.Tensor; readonly k: tf.Tensor; readonly v: tf.Tensor };
type Options = NonNullable<Parameters<typeof causalAttention>[4]>;

const cuda: LowerOptions = { platform: "cuda", precision: "bf16" };
const of = (...shape: number[]): TensorSpec => ({ shape, dtype: "float32" });

/** Attention [4, 2, 16, 8] and its gradients, lowered. */
function lowered(options: LowerOptions, attention: Options = {}, shapes: Partial<Inputs3> = {}): StableHloProgram {
  const program = ({ q, k, v }: Inputs): { [name: string]: tf.Tensor } => {
    const context = forwardContext({ training: true, seed: tf.zeros([2], "int32") });
    const { value, grads } = tf.valueAndGrads((...given) =>
      tf.sum(tf.square(causalAttention(given[0]!, given[1]!, given[2]!, context, attention))).asScalar(),
    )([q, k, v]);
    return { loss: value, dq: grads[0]!, dk: grads[1]!, dv: grads[2]! };
  };
  return lower(trace(program, { q: of(4, 2, 16, 8), k: of(4, 2, 16, 8), v: of(4, 2, 16, 8), ...shapes }), options);
}
type Inputs3 = { readonly [name in keyof Inputs]: TensorSpec };

const calls = (text: string): readonly string[] => text.match(/@__cudnn\$\w+/g) ?? [];
const both = ["@__cudnn$fmhaSoftmax", "@__cudnn$fmhaSoftmaxBackward"];

beforeAll(async () => {
  await tf.setBackend("cpu");
});

describe("attention on CUDA", () => {
  it("is one kernel forward and one backward, which takes what the first leaves", () => {
    const { text, report } = lowered(cuda);
    expect(calls(text)).toEqual(both);
    expect(text).not.toContain("stablehlo.exponential");
    const [, forward] = text.match(/(%\d+):3 = stablehlo\.custom_call @__cudnn\$fmhaSoftmax\(/)!;
    expect(text).toMatch(
      new RegExp(`@__cudnn\\$fmhaSoftmaxBackward\\(%\\d+, %\\d+, %\\d+, ${forward!}#1, %\\d+, %\\d+\\)`),
    );
    expect(text).toContain(
      "(tensor<4x16x2x8xbf16>, tensor<4x16x2x8xbf16>, tensor<4x16x2x8xbf16>) -> " +
        "(tensor<4x2x16x8xbf16>, tensor<4x2x16xf32>, tensor<0xui8>)",
    );
    expect(report.ops).toMatchObject({
      causalAttention: { count: 1, lowering: "native" },
      causalAttentionGradient: { count: 1, lowering: "native" },
    });
  });

  it("is told the scale, the mask and the axes of its products", () => {
    const { text } = lowered({ ...cuda, precision: "fp16" }, { scale: 0.25 });
    const [, encoded] = text.match(/backend_config = ("(?:[^"\\]|\\.)*")/)!;
    expect(JSON.parse(JSON.parse(encoded!) as string)).toMatchObject({
      cudnn_fmha_backend_config: {
        fmha_scale: 0.25,
        mask_type: "CAUSAL",
        intermediate_tensor_shape: { element_type: "F16", dimensions: ["4", "2", "16", "16"] },
        bmm1_dot_dimension_numbers: { lhs_contracting_dimensions: ["3"], lhs_batch_dimensions: ["0", "2"] },
        bmm2_dot_dimension_numbers: { rhs_contracting_dimensions: ["1"], lhs_batch_dimensions: ["0", "1"] },
      },
    });
    expect(text).toContain("operand_layouts = [dense<[3, 2, 1, 0]> : tensor<4xindex>");
    expect(text).toContain("result_layouts = [dense<[3, 1, 2, 0]> : tensor<4xindex>, dense<[2, 1, 0]>");
  });

  it("counts as many operations as it would in single products", () => {
    expect(lowered(cuda).report.flops).toBe(lowered({ ...cuda, platform: "cpu" }).report.flops);
  });

  it("is computed by each device of a mesh for its own rows", () => {
    const { text } = lowered({ ...cuda, mesh: { data: 2 } });
    expect(calls(text)).toEqual(both);
    expect(text.match(/sdy\.manual_computation/g)).toHaveLength(2);
    expect(text).toContain("%own0: tensor<2x16x2x8xbf16>");
    expect(text).toContain('\\"dimensions\\":[\\"2\\",\\"2\\",\\"16\\",\\"16\\"]');
    expect(text).toContain("sdy.return %made#0, %made#1 : tensor<2x2x16x8xbf16>, tensor<2x2x16xf32>");
    expect(lowered({ ...cuda, mesh: { data: 3 } }).text).not.toContain("manual_computation");
  });

  it.each<[string, LowerOptions, Options, Partial<Inputs3>]>([
    ["on another device", { ...cuda, platform: "cpu" }, {}, {}],
    ["in fp32", { ...cuda, precision: "fp32" }, {}, {}],
    ["with dropout", cuda, { dropout: 0.5 }, {}],
    ["over a window", cuda, { window: 4 }, {}],
    ["with heads of an odd width", cuda, {}, { q: of(4, 2, 16, 6), k: of(4, 2, 16, 6), v: of(4, 2, 16, 6) }],
    ["with wide heads", cuda, {}, { q: of(4, 2, 16, 136), k: of(4, 2, 16, 136), v: of(4, 2, 16, 136) }],
    ["with fewer queries than keys", cuda, {}, { q: of(4, 2, 8, 8) }],
    ["with values of another width", cuda, {}, { v: of(4, 2, 16, 16) }],
  ])("is made of single ops %s", (_, options, attention, shapes) => {
    const { text, report } = lowered(options, attention, shapes);
    expect(calls(text)).toEqual([]);
    expect(report.ops["causalAttention"]).toMatchObject({ lowering: "composite" });
  });

  it("runs forward again where its gradient does not see what it left", () => {
    // The gradient as a program of its own, whose output of the forward pass is an input.
    const graph = trace(
      ({ q, k, v }: Inputs) => {
        const context = forwardContext({ training: false, seed: tf.zeros([2], "int32") });
        return { y: causalAttention(q, k, v, context) };
      },
      { q: of(4, 2, 16, 8), k: of(4, 2, 16, 8), v: of(4, 2, 16, 8) },
    );
    const inputs = ["q", "k", "v", "y", "dy"];
    const spec = of(4, 2, 16, 8);
    const nodes = [
      ...inputs.map((path) => ({ op: "Input", inputs: [], attributes: { path }, outputs: [spec] })),
      {
        op: "causalAttentionGradient",
        inputs: inputs.map((_, node) => ({ node, output: 0 })),
        attributes: { scale: 0.5 },
        outputs: [spec, spec, spec],
      },
    ];
    const { text } = lower(
      {
        ...graph,
        nodes,
        inputs: Object.fromEntries(inputs.map((path, i) => [path, i])),
        outputs: { dk: { node: 5, output: 1 } },
      },
      cuda,
    );
    expect(calls(text)).toEqual(both);
    expect(text).toMatch(/return %\d+ : tensor<4x2x16x8xf32>/);
  });
});
