import { formatList, formatType, type HloSpec } from "../hlo/format.ts";
import type { HloValue, HloWriter } from "../hlo/hlo-writer.ts";
import { formatSharding } from "../hlo/sharding.ts";

/** Sizes of an attention: batch, heads, positions, head width. */
type AttentionShape = readonly [batch: number, heads: number, positions: number, width: number];

/** How one is computed. */
export type AttentionOptions = {
  readonly scale: number;
  /** Type of its inputs and outputs. */
  readonly dtype: "bfloat16" | "float16";
  /** Devices that share the batch: 1 where each computes all of it. */
  readonly devices: number;
};

const short = { bfloat16: "BF16", float16: "F16" } as const;
/** Layouts, the fastest axis first: row-major, and [batch, positions, heads, width] in memory for [batch, heads, …]. */
const ROWS = [3, 2, 1, 0];
const POSITIONS_FIRST = [3, 1, 2, 0];
const STATS = [2, 1, 0];
const WORKSPACE = [0];

/** Axes of one product of matrices: contracted, then batch. */
function product(left: number, right: number, leftBatch: readonly number[], rightBatch: readonly number[]): object {
  return {
    lhs_contracting_dimensions: [`${left}`],
    rhs_contracting_dimensions: [`${right}`],
    lhs_batch_dimensions: leftBatch.map(String),
    rhs_batch_dimensions: rightBatch.map(String),
  };
}

/** Batch and heads in scores [B, H, T, T], and in queries, keys and values [B, T, H, D]. */
const [SCORES, ROWS_OF] = [
  [0, 1],
  [0, 2],
];
const forwardProducts = {
  bmm1_dot_dimension_numbers: product(3, 3, ROWS_OF!, ROWS_OF!),
  bmm2_dot_dimension_numbers: product(3, 1, SCORES!, ROWS_OF!),
};
const backwardProducts = {
  bmm1_grad_gemm1_dot_dimension_numbers: product(2, 1, SCORES!, ROWS_OF!),
  bmm1_grad_gemm2_dot_dimension_numbers: product(3, 1, SCORES!, ROWS_OF!),
  bmm2_grad_gemm1_dot_dimension_numbers: product(2, 1, SCORES!, ROWS_OF!),
  bmm2_grad_gemm2_dot_dimension_numbers: product(3, 3, ROWS_OF!, ROWS_OF!),
};

/** `xla.gpu.GpuBackendConfig` as JSON. */
function configuration(shape: AttentionShape, { scale, dtype }: AttentionOptions, products: object): string {
  const [batch, heads, positions] = shape;
  return JSON.stringify({
    operation_queue_id: "0",
    cudnn_fmha_backend_config: {
      algorithm: {
        algo_id: "0",
        math_type: "TENSOR_OP_MATH",
        tuning_knobs: { 17: "1", 24: "0" },
        is_cudnn_frontend: true,
        workspace_size: "0",
      },
      fmha_scale: scale,
      intermediate_tensor_shape: {
        element_type: short[dtype],
        dimensions: [batch, heads, positions, positions].map(String),
        tuple_shapes: [],
        layout: {
          dim_level_types: [],
          dim_unique: [],
          dim_ordered: [],
          minor_to_major: ROWS.map(String),
          tiles: [],
          element_size_in_bits: "0",
          memory_space: "0",
          index_primitive_type: "PRIMITIVE_TYPE_INVALID",
          pointer_primitive_type: "PRIMITIVE_TYPE_INVALID",
          dynamic_shape_metadata_prefix_bytes: "0",
        },
        is_dynamic_dimension: [false, false, false, false],
      },
      is_flash_attention: true,
      mask_type: "CAUSAL",
      ...products,
      dropout_rate: 0,
      seed: 42,
      sliding_window_length: 0,
      max_seg_per_batch: 1,
      is_paged_attention: false,
    },
  });
}

type Laid = { readonly spec: HloSpec; readonly layout: readonly number[] };
type Call = {
  readonly target: string;
  readonly products: object;
  readonly operands: readonly Laid[];
  readonly results: readonly Laid[];
};

/** A call of cuDNN without its workspace; on several devices each calls it for its own rows, which XLA could not know. */
function call(
  hlo: HloWriter,
  given: readonly HloValue[],
  shape: AttentionShape,
  options: AttentionOptions,
  { target, products, operands, results }: Call,
): HloValue[] {
  const { devices } = options;
  const [batch, ...rest] = shape;
  const local: AttentionShape = [batch / devices, ...rest];
  const part = ({ shape: [rows, ...others], dtype }: HloSpec): HloSpec => ({
    shape: [rows! / devices, ...others],
    dtype,
  });
  const config = JSON.stringify(configuration(local, options, products));
  const layouts = (all: readonly Laid[]): string =>
    all.map(({ layout }) => `dense<[${formatList(layout)}]> : tensor<${layout.length}xindex>`).join(", ");
  const attributes = (inside: readonly Laid[]): string =>
    [
      "api_version = 2 : i32",
      `backend_config = ${config}`,
      `operand_layouts = [${layouts(operands)}]`,
      `result_layouts = [${layouts(inside)}, dense<[${formatList(WORKSPACE)}]> : tensor<1xindex>]`,
    ].join(", ");
  const typesOf = (all: readonly Laid[], each = (spec: HloSpec): HloSpec => spec): string =>
    all.map(({ spec }) => formatType(each(spec))).join(", ");
  const text = (names: readonly string[], each?: (spec: HloSpec) => HloSpec): string =>
    `stablehlo.custom_call @${target}(${names.join(", ")}) {${attributes(results)}} : ` +
    `(${typesOf(operands, each)}) -> (${typesOf(results, each)}, tensor<0xui8>)`;
  const specs = results.map(({ spec }) => spec);
  if (devices === 1) {
    return hlo.addAll(text(given.map(({ name }) => name)), specs, 1).slice(0, specs.length);
  }
  const shardings = (all: readonly Laid[]): string =>
    all.map(({ spec }) => formatSharding(spec.shape.length, true)).join(", ");
  const own = operands.map((_, i) => `%own${i}`);
  const made = results.map((_, i) => `%made#${i}`);
  return hlo.addAll(
    [
      `sdy.manual_computation(${given.map(({ name }) => name).join(", ")})`,
      `in_shardings=[${shardings(operands)}] out_shardings=[${shardings(results)}] manual_axes={"data"}`,
      `(${operands.map(({ spec }, i) => `${own[i]!}: ${formatType(part(spec))}`).join(", ")}) {`,
      `%made:${results.length + 1} = ${text(own, part)}`,
      `sdy.return ${made.join(", ")} : ${typesOf(results, part)}`,
      `} : (${typesOf(operands)}) -> (${typesOf(results)})`,
    ].join("\n      "),
    specs,
  );
}

/** Queries, keys, values and outputs as cuDNN reads them; [B, H, T, D] in memory of [B, T, H, D] as it writes them. */
function specsOf(
  [batch, heads, positions, width]: AttentionShape,
  dtype: HloSpec["dtype"],
): readonly [Laid, Laid, Laid] {
  return [
    { spec: { shape: [batch, positions, heads, width], dtype }, layout: ROWS },
    { spec: { shape: [batch, heads, positions, width], dtype }, layout: POSITIONS_FIRST },
    { spec: { shape: [batch, heads, positions], dtype: "float32" }, layout: STATS },
  ];
}

/** [B, H, T, D] ↔ [B, T, H, D]. */
const turned = (hlo: HloWriter, value: HloValue): HloValue => hlo.transpose(value, [0, 2, 1, 3]);

/**
 * Causal attention by one fused kernel of cuDNN (Dao et al., 2022): from q, k, v [B, H, T, D] in a short type the output and
 * the logarithm of the sums that the softmax divides by, [B, H, T] float32, which the gradient needs.
 */
export function cudnnAttention(
  hlo: HloWriter,
  inputs: readonly HloValue[],
  options: AttentionOptions,
): readonly [y: HloValue, stats: HloValue] {
  const shape = inputs[0]!.shape as AttentionShape & number[];
  const [given, output, stats] = specsOf(shape, options.dtype);
  const operands = inputs.map((input) => turned(hlo, input));
  const [y, sums] = call(hlo, operands, shape, options, {
    target: "__cudnn$fmhaSoftmax",
    products: forwardProducts,
    operands: [given, given, given],
    results: [output, stats],
  });
  return [y!, sums!];
}

/** Gradients of q, k and v, given the output, its gradient and the statistics of {@link cudnnAttention}. */
export function cudnnAttentionGradient(
  hlo: HloWriter,
  inputs: readonly [q: HloValue, k: HloValue, v: HloValue, y: HloValue, dy: HloValue],
  stats: HloValue,
  options: AttentionOptions,
): readonly HloValue[] {
  const shape = inputs[0].shape as AttentionShape & number[];
  const [given, output, sums] = specsOf(shape, options.dtype);
  const [q, k, v, y, dy] = inputs.map((input) => turned(hlo, input)) as [
    HloValue,
    HloValue,
    HloValue,
    HloValue,
    HloValue,
  ];
  return call(hlo, [q, k, v, stats, dy, y], shape, options, {
    target: "__cudnn$fmhaSoftmaxBackward",
    products: backwardProducts,
    operands: [given, given, given, sums, given, given],
    results: [output, output, output],
  });
}
