import type { DType, HostArray, TensorSpec } from "@pipe/core";
import { PipeError } from "@pipe/core";
import { convolutionKernels } from "./convolution.ts";
import type { Attributes } from "./graph.ts";
import { plainOps } from "./plain/index.ts";
import type { PlainOp, RawAttributes } from "./plain/op.ts";
import { at, BACKEND, currentRecorder } from "./recorder.ts";
import { sourceLine } from "./source-line.ts";
import * as tf from "./tf.ts";

/** Registers a kernel for every op that can be traced; all other kernels of tfjs throw. */
export function registerKernels(): void {
  const kernel = (name: string, kernelFunc: tf.KernelFunc): void =>
    tf.registerKernel({ kernelName: name, backendName: BACKEND, kernelFunc });
  for (const [name, op] of plainOps) {
    kernel(name, ({ inputs, attrs }) => {
      const named = inputs as unknown as { [name: string]: KernelInput };
      const list = op.inputs === "list" ? Object.values(named) : op.inputs.map((input) => named[input]!);
      return recordPlain(name, list, attrs ?? {});
    });
  }
  for (const [name, kernelFunc] of [...rewrittenKernels, ...convolutionKernels]) kernel(name, kernelFunc);
  for (const { kernelName } of tf.getKernelsForBackend("cpu")) {
    if (tf.getKernel(kernelName, BACKEND) !== undefined) continue;
    kernel(kernelName, () => {
      throw new PipeError("unsupported-op", `The tfjs kernel ${kernelName} cannot be traced.`, {
        ...at(sourceLine()),
        fix: "write it with the ops that the README of @pipe/graph lists",
      });
    });
  }
}

type KernelInput = tf.TensorInfo;

/** Records a plain op; what changes nothing records nothing. */
function recordPlain(name: string, given: readonly KernelInput[], raw: RawAttributes): tf.TensorInfo {
  const trace = currentRecorder();
  const op = plainOps.get(name)!;
  const inputs = given.map((input) => suited(name, op, input));
  const values = inputs.map((input) => trace.valueOf(input));
  const specs = inputs.map(({ shape, dtype }) => ({ shape, dtype: dtype as DType }));
  const [attributes, output] = located(name, () => {
    const resolved = op.attributes(raw, specs);
    return [resolved, op.infer(specs, resolved)] as const;
  });
  if (isNoop(name, specs[0], output, attributes)) return trace.info(values[0]!);
  return trace.record({ op: name, inputs: values, attributes, outputs: [output] })[0]!;
}

/** An input in an element type that the op takes. */
function suited(name: string, { takes, casts }: PlainOp, input: KernelInput): KernelInput {
  if (takes === undefined || takes.includes(input.dtype as DType)) return input;
  if (casts === true) return recordPlain("Cast", [input], { dtype: takes[0] });
  throw new PipeError("unsupported-op", `The tfjs kernel ${name} cannot be traced for ${input.dtype} tensors.`, {
    expected: takes.join(" or "),
    got: input.dtype,
    ...at(sourceLine()),
    fix: `cast(tensor, "${takes[0]}")`,
  });
}

/** Adds op and line to an error of shape inference. */
function located<T>(name: string, body: () => T): T {
  try {
    return body();
  } catch (error) {
    if (!PipeError.is(error)) throw error;
    throw new PipeError(error.code, error.message, {
      where: `${name}, ${sourceLine() ?? "unknown line"}`,
      cause: error,
    });
  }
}

function isNoop(name: string, input: TensorSpec | undefined, output: TensorSpec, attributes: Attributes): boolean {
  if (name === "Identity") return true;
  if (name === "Transpose") return (attributes["perm"] as readonly number[]).every((axis, i) => axis === i);
  if (name === "Cast") return input!.dtype === output.dtype;
  const moves = name === "Reshape" || name === "Slice" || name === "Tile";
  return moves && input!.shape.length === output.shape.length && input!.shape.every((d, i) => d === output.shape[i]);
}

/** tfjs kernels that are recorded as other plain ops. */
const rewrittenKernels: readonly (readonly [string, tf.KernelFunc])[] = [
  ["ExpandDims", ({ inputs, attrs }) => expandDims(inputs["input"] as KernelInput, (attrs as { dim: number }).dim)],
  ["ZerosLike", ({ inputs }) => fillLike(inputs["x"] as KernelInput, 0)],
  ["OnesLike", ({ inputs }) => fillLike(inputs["x"] as KernelInput, 1)],
  ["SplitV", ({ inputs, attrs }) => split(inputs["x"] as KernelInput, attrs as unknown as SplitAttributes)],
  [
    "Unpack",
    ({ inputs, attrs }) => {
      const x = inputs["value"] as KernelInput;
      const { axis } = attrs as { axis: number };
      const along = axis < 0 ? axis + x.shape.length : axis;
      const shape = x.shape.filter((_, i) => i !== along);
      return split(x, { numOrSizeSplits: x.shape[along]!, axis: along }).map((part) =>
        recordPlain("Reshape", [part], { shape }),
      );
    },
  ],
  [
    "Pack",
    ({ inputs, attrs }) => {
      const { axis } = attrs as { axis: number };
      const parts = Object.values(inputs as unknown as { [name: string]: KernelInput });
      return recordPlain(
        "Concat",
        parts.map((part) => expandDims(part, axis)),
        { axis },
      );
    },
  ],
  [
    "Range",
    ({ attrs }) => {
      const { start, stop, step, dtype } = attrs as unknown as {
        start: number;
        stop: number;
        step: number;
        dtype: DType;
      };
      const values = Array.from({ length: Math.max(0, Math.ceil((stop - start) / step)) }, (_, i) => start + i * step);
      return currentRecorder().info({
        node: nodeOfConstant(dtype === "int32" ? Int32Array.from(values) : Float32Array.from(values)),
        output: 0,
      });
    },
  ],
];

function nodeOfConstant(data: HostArray): number {
  const trace = currentRecorder();
  const dtype = data instanceof Int32Array ? "int32" : "float32";
  return trace.valueOf({ dataId: trace.write(data, { shape: [data.length], dtype }), shape: [data.length], dtype })
    .node;
}

function expandDims(x: KernelInput, dim: number): tf.TensorInfo {
  const shape = [...x.shape];
  shape.splice(dim < 0 ? shape.length + 1 + dim : dim, 0, 1);
  return recordPlain("Reshape", [x], { shape });
}

function fillLike(x: KernelInput, value: number): tf.TensorInfo {
  return recordPlain("Fill", [], { shape: x.shape, value, dtype: x.dtype });
}

type SplitAttributes = { readonly numOrSizeSplits: number | readonly number[]; readonly axis: number };

function split(x: KernelInput, { numOrSizeSplits, axis }: SplitAttributes): tf.TensorInfo[] {
  const along = axis < 0 ? axis + x.shape.length : axis;
  const sizes = tf.backend_util.prepareSplitSize(x as tf.Tensor, numOrSizeSplits as number | number[], along);
  let offset = 0;
  return sizes.map((size) => {
    const begin = x.shape.map((_, i) => (i === along ? offset : 0));
    offset += size;
    return recordPlain("Slice", [x], { begin, size: x.shape.map((d, i) => (i === along ? size : d)) });
  });
}
