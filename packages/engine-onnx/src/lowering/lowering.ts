import type { TensorSpec } from "@pipe/core";
import type { Attributes, Graph, Node } from "@pipe/graph";
import { specOf } from "@pipe/graph";
import type { OnnxModel } from "../onnx-model.ts";

/** What the lowering of one node sees. */
export type Lowered = {
  readonly model: OnnxModel;
  readonly node: Node;
  readonly attributes: Attributes;
  /** ONNX names of its inputs. */
  readonly inputs: readonly string[];
  readonly specs: readonly TensorSpec[];
  /** All nodes that use an input. */
  users(input: number): readonly Node[];
  /** The node that makes an input, and the ONNX names of that node's own inputs. */
  producer(input: number): { readonly node: Node; readonly inputs: readonly string[] };
};

/** Adds ONNX nodes for one node and returns the names of its outputs. */
export type Lowering = (lowered: Lowered) => string | readonly string[];

/** Collects what a lowering needs of a node. */
export function lowered(
  graph: Graph,
  names: readonly (readonly string[])[],
  number: number,
  model: OnnxModel,
): Lowered {
  const node = graph.nodes[number]!;
  const namesOf = (of: Node): string[] => of.inputs.map((value) => names[value.node]![value.output]!);
  return {
    model,
    node,
    attributes: node.attributes,
    inputs: namesOf(node),
    specs: node.inputs.map((value) => specOf(graph.nodes, value)),
    users: (input) => {
      const { node: from, output } = node.inputs[input]!;
      return graph.nodes.filter(({ inputs }) => inputs.some((value) => value.node === from && value.output === output));
    },
    producer: (input) => {
      const made = graph.nodes[node.inputs[input]!.node]!;
      return { node: made, inputs: namesOf(made) };
    },
  };
}
