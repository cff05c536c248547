import type { Tree } from "@pipe/core";
import { leaves, PipeError, treeOf } from "@pipe/core";
import { compositeOf } from "./composite.ts";
import type { Attributes, Graph, Node } from "./graph.ts";
import { plainOps } from "./plain/index.ts";
import * as tf from "./tf.ts";

/**
 * Runs a graph op by op on the tfjs backend in use: the reference for ops and passes.
 *
 * `inputs` are tensors in the tree of the program's inputs; they are neither moved nor disposed. Intermediate results
 * are freed after their last use. `observe` sees what each node makes.
 * @throws PipeError `input-missing`.
 */
export function interpret(
  graph: Graph,
  inputs: Tree<tf.Tensor>,
  observe?: (node: number, made: readonly tf.Tensor[]) => void,
): Tree<tf.Tensor> {
  const given = new Map(
    leaves<tf.Tensor>(inputs, (node): node is tf.Tensor & Tree<tf.Tensor> => node instanceof tf.Tensor),
  );
  const lastUse = lastUses(graph);
  return tf.tidy(() => {
    const made: (readonly tf.Tensor[])[] = [];
    graph.nodes.forEach((node, number) => {
      made.push(
        runNode(
          node,
          node.inputs.map(({ node: from, output }) => made[from]![output]!),
          given,
        ),
      );
      observe?.(number, made[number]!);
      for (const done of lastUse[number] ?? []) tf.dispose(made[done] as tf.Tensor[]);
    });
    // The clone keeps an output alive that is an input too.
    const outputs = Object.entries(graph.outputs).map(([path, { node, output }]): [string, tf.Tensor] => [
      path,
      tf.clone(made[node]![output]!),
    ]);
    return treeOf(outputs) as tf.TensorContainer;
  }) as Tree<tf.Tensor>;
}

/** For each node, the nodes whose results are not needed after it; inputs and outputs are never among them. */
function lastUses(graph: Graph): readonly (readonly number[] | undefined)[] {
  const last = new Map<number, number>();
  graph.nodes.forEach((node, number) => node.inputs.forEach((value) => last.set(value.node, number)));
  for (const { node } of Object.values(graph.outputs)) last.delete(node);
  const at: number[][] = [];
  for (const [node, user] of last) if (graph.nodes[node]!.op !== "Input") (at[user] ??= []).push(node);
  return at;
}

function runNode(
  node: Node,
  inputs: readonly tf.Tensor[],
  given: ReadonlyMap<string, tf.Tensor>,
): readonly tf.Tensor[] {
  const [spec] = node.outputs;
  if (node.op === "Input") {
    const path = node.attributes["path"] as string;
    const tensor = given.get(path);
    if (tensor === undefined)
      throw new PipeError("input-missing", "A graph was run without one of its inputs.", { where: path });
    return [tensor];
  }
  if (node.op === "Constant") return [tf.tensor(node.data!, [...spec!.shape], spec!.dtype)];
  const composite = compositeOf(node.op);
  if (composite !== undefined) {
    // A decomposition may hand back one of its inputs, or one tensor twice: each result is disposed on its own.
    return composite.decompose(inputs, node.attributes).map((tensor) => tf.clone(tensor));
  }
  const op = plainOps.get(node.op)!;
  const named = op.inputs === "list" ? inputs : Object.fromEntries(op.inputs.map((name, i) => [name, inputs[i]!]));
  const attributes = kernelAttributes(node.op, node.attributes) as unknown as tf.NamedAttrMap;
  const made = tf.engine().runKernel(node.op, named as unknown as tf.NamedTensorMap, attributes) as tf.Tensor;
  // A sum of int32 segments is float32 on some backends of tfjs.
  return [made.dtype === spec!.dtype ? made : tf.cast(made, spec!.dtype)];
}

/** A node's attributes as tfjs's kernel wants them. */
function kernelAttributes(op: string, attributes: Attributes): { [name: string]: unknown } {
  if (op === "Max") return { ...attributes, reductionIndices: attributes["axis"] };
  if (op !== "PadV2") return attributes;
  const flat = attributes["paddings"] as readonly number[];
  const pairs = Array.from({ length: flat.length / 2 }, (_, i) => [flat[2 * i]!, flat[2 * i + 1]!]);
  return { ...attributes, paddings: pairs };
}
