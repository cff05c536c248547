import type { DType, HostArray, HostTensor, TensorSpec } from "@pipe/core";
import { bytesOf } from "@pipe/core";
import { ProtobufWriter } from "./protobuf.ts";

/** ONNX's numbers of element types. */
export const ELEMENT = { float32: 1, int32: 6, int64: 7, bool: 9, double: 11 } as const;

/** An attribute of an ONNX node: an integer, integers, a string, or a float as `{ float }`. */
export type OnnxAttribute = number | string | readonly number[] | { readonly float: number };

/** The spec of an input or output, which may be of a type that only ONNX has; without a shape it takes any. */
type ValueSpec = { readonly shape?: readonly number[]; readonly dtype: keyof typeof ELEMENT };

const OPSET = 18;
const IR_VERSION = 9;

/** A weight's place in a file beside the model. */
export type ExternalPlace = { readonly location: string; readonly offset: number };

/** Collects nodes, constants, weights, inputs and outputs of an ONNX model, and encodes it. */
export class OnnxModel {
  /** Whether only ONNX's own ops may be used, which every runtime knows. */
  readonly plain: boolean;
  readonly #graph = new ProtobufWriter().string(2, "program");
  /** Values that nodes make and that are no outputs yet. */
  readonly #made = new Set<string>();
  readonly #known = new Map<string, string | readonly string[]>();
  /** Weights: what stands before their elements, and the elements, which are not copied. */
  readonly #weights: (readonly [Uint8Array, Uint8Array])[] = [];
  #names = 0;

  constructor({ plain = false }: { readonly plain?: boolean } = {}) {
    this.plain = plain;
  }

  /** A name that nothing else has. */
  fresh(): string {
    return `v${this.#names++}`;
  }

  /** Adds a node with one output and returns its name. */
  node(op: string, inputs: readonly string[], attributes: { readonly [name: string]: OnnxAttribute } = {}): string {
    return this.nodes(op, inputs, 1, attributes)[0]!;
  }

  /** Adds a node with several outputs. An op of ONNX Runtime's own is written with its domain: `com.microsoft.FusedMatMul`. */
  nodes(
    op: string,
    inputs: readonly string[],
    outputs: number,
    attributes: { readonly [name: string]: OnnxAttribute } = {},
  ): readonly string[] {
    const made = Array.from({ length: outputs }, () => this.fresh());
    this.#write(op, inputs, made, attributes);
    return made;
  }

  /** Declares an input. */
  input(name: string, spec: ValueSpec): void {
    this.#graph.message(11, (writer) => valueInfo(writer, name, spec));
  }

  /** Declares a value as an output and returns the name that it has there. */
  output(value: string, spec: ValueSpec): string {
    const name = this.#outputName(value, spec.dtype);
    this.#graph.message(12, (writer) => valueInfo(writer, name, spec));
    return name;
  }

  /** Declares a value as an output of a given name. */
  named(name: string, value: string, spec: ValueSpec): void {
    this.#write("Identity", [value], [name], {});
    this.output(name, spec);
  }

  /** Declares an empty sequence of tensors as an output. */
  emptySequence(name: string): void {
    this.#write("SequenceEmpty", [], [name], {});
    this.#graph.message(12, (writer) =>
      writer
        .string(1, name)
        .message(2, (type) =>
          type.message(4, (sequence) => sequence.message(1, (element) => tensorType(element, "float32"))),
        ),
    );
  }

  /** A named tensor that the model holds, or that lies in a file beside it. */
  weight(name: string, { data, spec }: HostTensor, external?: ExternalPlace): void {
    const bytes = bytesOf(data);
    const head = new ProtobufWriter();
    for (const size of spec.shape) head.int(1, size);
    head.int(2, ELEMENT[spec.dtype]).string(8, name);
    if (external === undefined) {
      this.#weights.push([head.prefix(9, bytes.length).finish(), bytes]);
      return;
    }
    for (const [key, value] of Object.entries({ ...external, length: bytes.length }))
      head.message(13, (entry) => entry.string(1, key).string(2, String(value)));
    this.#weights.push([head.int(14, 1).finish(), new Uint8Array()]);
  }

  /** A constant tensor. */
  tensor(data: HostArray, spec: TensorSpec): string {
    return this.#constant(bytesOf(data), spec.shape, ELEMENT[spec.dtype]);
  }

  /** A scalar constant; equal ones are made once. */
  scalar(value: number, dtype: DType = "float32"): string {
    const key = `${dtype} ${Object.is(value, -0) ? "-0" : value}`;
    return this.once(key, () => {
      const data =
        dtype === "float32" ? Float32Array.of(value) : dtype === "int32" ? Int32Array.of(value) : Uint8Array.of(value);
      return this.tensor(data, { shape: [], dtype });
    });
  }

  /** A vector of 64-bit integers, as shapes and axes need; equal ones are made once. */
  integers(values: readonly number[]): string {
    return this.once(`int64 ${values.join()}`, () => {
      const data = BigInt64Array.from(values, BigInt);
      return this.#constant(new Uint8Array(data.buffer), [values.length], ELEMENT.int64);
    });
  }

  /** A value in another shape, of which one size may be -1. */
  reshape(value: string, shape: readonly number[]): string {
    // Without the attribute a 0 is the input's size in that place; it is set only where it matters.
    return this.node("Reshape", [value, this.integers(shape)], shape.includes(0) ? { allowzero: 1 } : {});
  }

  /** What `make` names, made once for each key. */
  once<T extends string | readonly string[]>(key: string, make: () => T): T {
    const known = this.#known.get(key);
    if (known !== undefined) return known as T;
    const name = make();
    this.#known.set(key, name);
    return name;
  }

  /** The model as bytes of a `.onnx` file. */
  encode(): Uint8Array<ArrayBuffer> {
    const pieces = this.pieces();
    const bytes = new Uint8Array(pieces.reduce((sum, piece) => sum + piece.length, 0));
    let at = 0;
    for (const piece of pieces) {
      bytes.set(piece, at);
      at += piece.length;
    }
    return bytes;
  }

  /** The same piece by piece. */
  pieces(): readonly Uint8Array[] {
    const graph = this.#graph.finish();
    const weights = this.#weights.flatMap(([head, bytes]) => [
      new ProtobufWriter().prefix(5, head.length + bytes.length).finish(),
      head,
      bytes,
    ]);
    const length = weights.reduce((sum, piece) => sum + piece.length, graph.length);
    const begin = new ProtobufWriter()
      .int(1, IR_VERSION)
      .string(2, "pipe")
      .message(8, (writer) => writer.int(2, OPSET));
    if (!this.plain) begin.message(8, (writer) => writer.string(1, "com.microsoft").int(2, 1));
    return [begin.prefix(7, length).finish(), graph, ...weights];
  }

  #write(
    op: string,
    inputs: readonly string[],
    outputs: readonly string[],
    attributes: { readonly [name: string]: OnnxAttribute },
  ): void {
    const dot = op.lastIndexOf(".");
    if (this.plain && dot >= 0) throw new Error(`${op} is not an op of ONNX itself`);
    for (const output of outputs) this.#made.add(output);
    this.#graph.message(1, (writer) => {
      for (const input of inputs) writer.string(1, input);
      for (const output of outputs) writer.string(2, output);
      writer.string(4, op.slice(dot + 1));
      for (const [name, value] of Object.entries(attributes))
        writer.message(5, (inner) => attribute(inner, name, value));
      if (dot >= 0) writer.string(7, op.slice(0, dot));
    });
  }

  /** An output must be made by a node, and handed out once; anything else is copied. */
  #outputName(value: string, dtype: ValueSpec["dtype"]): string {
    if (this.#made.delete(value)) return value;
    // WebGPU has no kernel that copies bools.
    const copy = dtype === "bool" ? this.node("And", [value, value]) : this.node("Identity", [value]);
    this.#made.delete(copy);
    return copy;
  }

  #constant(bytes: Uint8Array, shape: readonly number[], element: number): string {
    const name = this.fresh();
    this.#graph.message(5, (writer) => {
      for (const size of shape) writer.int(1, size);
      writer.int(2, element).string(8, name).bytes(9, bytes);
    });
    return name;
  }
}

function attribute(writer: ProtobufWriter, name: string, value: OnnxAttribute): void {
  writer.string(1, name);
  if (typeof value === "number") writer.int(3, value).int(20, 2);
  else if (typeof value === "string") writer.string(4, value).int(20, 3);
  else if ("float" in value) writer.float(2, value.float).int(20, 1);
  else {
    for (const item of value) writer.int(8, item);
    writer.int(20, 7);
  }
}

function valueInfo(writer: ProtobufWriter, name: string, { shape, dtype }: ValueSpec): void {
  writer.string(1, name).message(2, (type) => tensorType(type, dtype, shape));
}

function tensorType(writer: ProtobufWriter, dtype: ValueSpec["dtype"], shape?: readonly number[]): void {
  writer.message(1, (tensor) => {
    tensor.int(1, ELEMENT[dtype]);
    if (shape === undefined) return;
    tensor.message(2, (dimensions) => {
      for (const size of shape) dimensions.message(1, (dimension) => dimension.int(1, size));
    });
  });
}
