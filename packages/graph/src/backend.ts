import type { DType, HostArray, TensorSpec } from "@pipe/core";
import { byteSizeOf, PipeError } from "@pipe/core";
import type { Attributes, Node, Value } from "./graph.ts";
import { GraphBuilder } from "./graph.ts";
import { plainOps } from "./plain/index.ts";
import type { RawAttributes } from "./plain/op.ts";
import { sourceLine } from "./source-line.ts";
import * as tf from "./tf.ts";

/** Name of the tfjs backend that records. */
export const BACKEND = "pipe-trace";

const LARGE_CONSTANT = 2 ** 20;

/** One trace under way: the nodes so far and what each tfjs data id stands for. */
export class Recorder {
  readonly builder = new GraphBuilder();
  readonly warnings: string[] = [];
  readonly #values = new WeakMap<object, Value>();

  /** The value behind a tensor. @throws PipeError `captured-tensor` for one that was made outside the trace. */
  valueOf(tensor: { dataId: object; shape: number[]; dtype: string }): Value {
    const value = this.#values.get(tensor.dataId);
    if (value !== undefined) return value;
    throw new PipeError("captured-tensor", "A program uses a tensor that was made outside of it.", {
      got: `a tensor ${tensor.dtype} [${tensor.shape.join(", ")}]`,
      ...at(sourceLine()),
      fix: "pass it as an input of the program, or wrap it in constant(tensor)",
    });
  }

  /** A tfjs tensor info that stands for a value. */
  info(value: Value): tf.TensorInfo {
    const { shape, dtype } = this.builder.nodes[value.node]!.outputs[value.output]!;
    const dataId = {};
    this.#values.set(dataId, value);
    return { dataId, shape: [...shape], dtype };
  }

  /** Adds a node and returns its outputs. */
  record(node: Omit<Node, "source">): tf.TensorInfo[] {
    const source = sourceLine();
    const number = this.builder.add(source === undefined ? node : { ...node, source });
    return node.outputs.map((_, output) => this.info({ node: number, output }));
  }

  /** Adds elements that the program made on the host; equal ones become a `Fill`. */
  write(data: HostArray, spec: TensorSpec): object {
    const first = data[0];
    const value = data.length > 0 && data.every((x) => Object.is(x, first)) ? first! : undefined;
    if (value !== undefined) {
      return this.record({
        op: "Fill",
        inputs: [],
        attributes: { shape: spec.shape, value, dtype: spec.dtype },
        outputs: [spec],
      })[0]!.dataId;
    }
    if (byteSizeOf(spec) > LARGE_CONSTANT) {
      const place = sourceLine();
      this.warnings.push(
        `A constant of ${(byteSizeOf(spec) / 2 ** 20).toFixed(1)} MiB becomes part of the program${place === undefined ? "" : ` (${place})`}: pass it as an input.`,
      );
    }
    return this.record({ op: "Constant", inputs: [], attributes: {}, outputs: [spec], data })[0]!.dataId;
  }
}

let recorder: Recorder | undefined;

/** Whether a program is being traced now. */
export function isTracing(): boolean {
  return recorder !== undefined && tf.getBackend() === BACKEND;
}

/** The trace under way. @throws PipeError `not-tracing`. */
export function currentRecorder(): Recorder {
  if (recorder === undefined) throw new PipeError("not-tracing", "A traced tensor was used after its trace had ended.");
  return recorder;
}

/** Runs a body while tfjs records into a fresh recorder, then puts back the backend that was in use. */
export function recording<T>(body: (recorder: Recorder) => T): T {
  if (recorder !== undefined) {
    throw new PipeError(
      "nested-trace",
      "A program cannot compile another program while it is traced.",
      at(sourceLine()),
    );
  }
  register();
  const before = userBackend();
  recorder = new Recorder();
  // setBackend works synchronously for a backend that is made synchronously, as this one is.
  void tf.setBackend(BACKEND);
  try {
    return body(recorder);
  } finally {
    recorder = undefined;
    void tf.setBackend(before);
  }
}

/** The backend in use, made ready if there is none yet. */
function userBackend(): string {
  try {
    void tf.backend();
    return tf.getBackend();
  } catch (cause) {
    throw new PipeError("tfjs-not-ready", "tfjs has no backend that is ready.", {
      fix: "await tf.ready() before compiling",
      cause,
    });
  }
}

/** The backend: it stores nothing and refuses to read. */
class TraceBackend extends tf.KernelBackend {
  override write(values: tf.BackendValues, shape: number[], dtype: tf.DataType): object {
    return currentRecorder().write(toHostArray(values, dtype), { shape, dtype: dtype as DType });
  }
  override readSync(): never {
    throw new PipeError("read-while-tracing", "A program reads a tensor's values while it is traced.", {
      ...at(sourceLine()),
      fix: "return the tensor from the program and read it after the run; use where() instead of if",
    });
  }
  override read(): never {
    return this.readSync();
  }
  override numDataIds(): number {
    return 0;
  }
  override disposeData(): boolean {
    return true;
  }
  override incRef(): void {}
  decRef(): void {}
  override refCount(): number {
    return 1;
  }
  override memory(): { unreliable: boolean } {
    return { unreliable: true };
  }
  override floatPrecision(): 16 | 32 {
    return 32;
  }
  override epsilon(): number {
    return 1e-7;
  }
  override timerAvailable(): boolean {
    return false;
  }
}

function toHostArray(values: tf.BackendValues, dtype: tf.DataType): HostArray {
  const numbers = values as ArrayLike<number>;
  if (dtype === "float32") return Float32Array.from(numbers);
  if (dtype === "int32") return Int32Array.from(numbers);
  if (dtype === "bool") return Uint8Array.from(numbers);
  throw new PipeError("unsupported-op", "A program can use float32, int32 and bool tensors only.", {
    got: dtype,
    ...at(sourceLine()),
  });
}

/** Error details of a place that may be unknown. */
export function at(source: string | undefined): { where?: string } {
  return source === undefined ? {} : { where: source };
}

type KernelInput = tf.TensorInfo;

/** Records a plain op; what changes nothing records nothing. */
function recordPlain(name: string, inputs: readonly KernelInput[], raw: RawAttributes): tf.TensorInfo {
  const trace = currentRecorder();
  const values = inputs.map((input) => trace.valueOf(input));
  const op = plainOps.get(name)!;
  const specs = inputs.map(({ shape, dtype }) => ({ shape, dtype: dtype as DType }));
  const [attributes, output] = located(name, () => {
    const resolved = op.attributes(raw, specs);
    return [resolved, op.infer(specs, resolved)] as const;
  });
  if (isNoop(name, specs[0], output, attributes)) return trace.info(values[0]!);
  return trace.record({ op: name, inputs: values, attributes, outputs: [output] })[0]!;
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

let registered = false;

/** Registers the backend and its kernels once; kernels of tfjs that cannot be traced throw. */
function register(): void {
  if (registered) return;
  registered = true;
  tf.registerBackend(BACKEND, () => new TraceBackend(), -1000);
  const kernel = (name: string, kernelFunc: tf.KernelFunc): void =>
    tf.registerKernel({ kernelName: name, backendName: BACKEND, kernelFunc });
  for (const [name, op] of plainOps) {
    kernel(name, ({ inputs, attrs }) => {
      const named = inputs as unknown as { [name: string]: KernelInput };
      const list = op.inputs === "list" ? Object.values(named) : op.inputs.map((input) => named[input]!);
      return recordPlain(name, list, attrs ?? {});
    });
  }
  for (const [name, kernelFunc] of rewrittenKernels) kernel(name, kernelFunc);
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
