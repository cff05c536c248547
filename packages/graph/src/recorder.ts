import type { HostArray, TensorSpec } from "@pipe/core";
import { byteSizeOf, PipeError } from "@pipe/core";
import type { Block, Node, Value } from "./graph.ts";
import { GraphBuilder } from "./graph.ts";
import { sourceLine } from "./source-line.ts";
import type * as tf from "./tf.ts";

/** Name of the tfjs backend that records. */
export const BACKEND = "pipe-trace";

const LARGE_CONSTANT = 2 ** 20;

/** One trace under way: the nodes so far and what each tfjs data id stands for. */
export class Recorder {
  readonly builder = new GraphBuilder();
  readonly warnings: string[] = [];
  readonly blocks: Block[] = [];
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

  /** Remembers what a body records, and what it returns, as a named block. */
  block<T>(name: string, body: () => T): T {
    const begin = this.builder.nodes.length;
    const result = body();
    const nodes = Array.from({ length: this.builder.nodes.length - begin }, (_, i) => begin + i);
    const outputs = tensorsIn(result).flatMap((tensor) => this.#values.get(tensor.dataId) ?? []);
    this.blocks.push({ name, nodes, outputs });
    return result;
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

/** Tensors among arrays and records. */
function tensorsIn(value: unknown): readonly { readonly dataId: object }[] {
  if (typeof value !== "object" || value === null) return [];
  if ("dataId" in value) return [value as { dataId: object }];
  return Object.values(value).flatMap(tensorsIn);
}

let recorder: Recorder | undefined;

/** The trace under way. @throws PipeError `not-tracing`. */
export function currentRecorder(): Recorder {
  if (recorder === undefined) throw new PipeError("not-tracing", "A traced tensor was used after its trace had ended.");
  return recorder;
}

/** Runs a body with a fresh recorder. @throws PipeError `nested-trace`. */
export function withRecorder<T>(body: (recorder: Recorder) => T): T {
  if (recorder !== undefined) {
    throw new PipeError(
      "nested-trace",
      "A program cannot compile another program while it is traced.",
      at(sourceLine()),
    );
  }
  recorder = new Recorder();
  try {
    return body(recorder);
  } finally {
    recorder = undefined;
  }
}

/** Whether a recorder is at work. */
export function hasRecorder(): boolean {
  return recorder !== undefined;
}

/** Error details of a place that may be unknown. */
export function at(source: string | undefined): { where?: string } {
  return source === undefined ? {} : { where: source };
}
