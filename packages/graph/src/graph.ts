import type { HostArray, TensorSpec } from "@pipe/core";
import { formatSpec } from "@pipe/core";

/** One output of a node. */
export type Value = { readonly node: number; readonly output: number };

/** A constant that belongs to an op, such as the axes of a sum. */
export type Attribute = number | boolean | string | readonly number[];

/** Attributes by name. */
export type Attributes = { readonly [name: string]: Attribute };

/** One operation. A node's number is its place in {@link Graph.nodes}. */
export type Node = {
  /** A plain op (tfjs's kernel name, such as `BatchMatMul`), a composite (such as `layerNorm`), `Input` or `Constant`. */
  readonly op: string;
  readonly inputs: readonly Value[];
  readonly attributes: Attributes;
  readonly outputs: readonly TensorSpec[];
  /** Elements of a `Constant`. */
  readonly data?: HostArray;
  /** File, line and column of the call in the program. */
  readonly source?: string;
};

/** A named part of a program, such as a layer, which may be computed again in the backward pass. */
export type Block = {
  readonly name: string;
  /** Nodes that were recorded inside. */
  readonly nodes: readonly number[];
  /** What it returned. */
  readonly outputs: readonly Value[];
};

/** A traced program as plain data: nodes in an order in which each comes after its inputs. */
export type Graph = {
  readonly nodes: readonly Node[];
  /** Node number of each input, by path. */
  readonly inputs: { readonly [path: string]: number };
  readonly outputs: { readonly [path: string]: Value };
  /** Named parts, as traced; a pass that renumbers nodes leaves none. */
  readonly blocks: readonly Block[];
  /** What the program's author should know, such as large constants. */
  readonly warnings: readonly string[];
};

/** Collects nodes. */
export class GraphBuilder {
  readonly nodes: Node[] = [];

  /** Adds a node and returns its number. */
  add(node: Node): number {
    return this.nodes.push(node) - 1;
  }
}

/** The spec of a value. */
export function specOf(nodes: readonly Node[], value: Value): TensorSpec {
  return nodes[value.node]!.outputs[value.output]!;
}

/** Attributes as text that differs where they do: JSON has no infinities, no NaN and no -0. */
export function formatAttributes(attributes: Attributes): string {
  return Object.entries(attributes)
    .map(([key, value]) => `${key}=${formatAttribute(value)}`)
    .join(", ");
}

function formatAttribute(value: Attribute): string {
  if (typeof value === "number") return Object.is(value, -0) ? "-0" : String(value);
  return JSON.stringify(value);
}

/** Writes a graph as text, one node a line: number, spec, op, inputs, attributes, source. */
export function formatGraph(graph: Graph): string {
  const name = (value: Value): string => `%${value.node}${value.output > 0 ? `.${value.output}` : ""}`;
  const lines = graph.nodes.map((node, number) => {
    const specs = node.outputs.map(formatSpec).join(", ");
    const attributes = formatAttributes(node.attributes);
    const parts = [...node.inputs.map(name), ...(attributes === "" ? [] : [attributes])].join(", ");
    return `%${number}: ${specs} = ${node.op}(${parts})${node.source === undefined ? "" : `  # ${node.source}`}`;
  });
  for (const [path, value] of Object.entries(graph.outputs)) lines.push(`${path} = ${name(value)}`);
  return lines.join("\n");
}
