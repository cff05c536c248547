import type { TensorSpec, Tree } from "@pipe/core";
import { treeOf } from "@pipe/core";
import { compositeOf, type CompositeOp } from "../composite.ts";
import type { Attributes, Graph, GraphBuilder, Node, Value } from "../graph.ts";
import { formatAttributes, specOf } from "../graph.ts";
import type * as tf from "../tf.ts";
import { traceOnce } from "../trace.ts";
import { keep, rewrite } from "./rewrite.ts";

/** Whether an engine has an op with such inputs and attributes natively. */
export type IsNative = (op: string, inputs: readonly TensorSpec[], attributes: Attributes) => boolean;

/** Replaces composite nodes by their decompositions, except those that the engine has natively. */
export function decompose(graph: Graph, isNative: IsNative = () => false): Graph {
  const bodies = new Map<string, Graph>();
  const expand = (node: Node, builder: GraphBuilder): readonly Value[] => {
    const op = compositeOf(node.op);
    if (op === undefined) return keep(node, builder);
    const specs = node.inputs.map((value) => specOf(builder.nodes, value));
    if (isNative(node.op, specs, node.attributes)) return keep(node, builder);
    const key = JSON.stringify([node.op, formatAttributes(node.attributes), specs]);
    let body = bodies.get(key);
    if (body === undefined) bodies.set(key, (body = bodyOf(op, node.attributes, specs)));
    return inline(body, node, builder, expand);
  };
  return rewrite(graph, expand);
}

/** The decomposition as a graph with inputs and outputs "0", "1", … */
function bodyOf(op: CompositeOp, attributes: Attributes, specs: readonly TensorSpec[]): Graph {
  const numbered = Object.fromEntries(specs.map((spec, i) => [`${i}`, spec]));
  return traceOnce((inputs) => {
    const tensors = specs.map((_, i) => (inputs as { [path: string]: tf.Tensor })[i]!);
    return treeOf(op.decompose(tensors, attributes).map((tensor, i): [string, tf.Tensor] => [`${i}`, tensor]));
  }, numbered as Tree<TensorSpec>);
}

function inline(
  body: Graph,
  node: Node,
  builder: GraphBuilder,
  visit: (node: Node, builder: GraphBuilder) => readonly Value[],
): readonly Value[] {
  const values: (readonly Value[])[] = [];
  for (const inner of body.nodes) {
    if (inner.op === "Input") {
      values.push([node.inputs[Number(inner.attributes["path"])]!]);
      continue;
    }
    const { source: _, ...rest } = inner;
    const inputs = inner.inputs.map(({ node: from, output }) => values[from]![output]!);
    values.push(visit({ ...rest, inputs, ...(node.source === undefined ? {} : { source: node.source }) }, builder));
  }
  return node.outputs.map((_, i) => {
    const { node: from, output } = body.outputs[`${i}`]!;
    return values[from]![output]!;
  });
}
