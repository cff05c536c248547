import type { Mapped, TensorSpec, Tree } from "@pipe/core";
import { leaves, PipeError, treeOf } from "@pipe/core";
import { recording } from "./backend.ts";
import type { Graph, Node, Value } from "./graph.ts";
import { formatAttributes } from "./graph.ts";
import { at } from "./recorder.ts";
import { withLongStacks } from "./source-line.ts";
import * as tf from "./tf.ts";

/**
 * Traces a pure program of tfjs ops into a graph, twice, and compares.
 *
 * Synchronous; the user's tfjs backend is in use again when it returns or throws.
 * @throws PipeError `impure-program`, `captured-tensor`, `read-while-tracing`, `unsupported-op`, `program-output`.
 */
export function trace<I extends Tree<tf.Tensor>, O extends Tree<tf.Tensor>>(
  program: (inputs: I) => O,
  specs: Mapped<I, tf.Tensor, TensorSpec>,
): Graph {
  const untyped = program as unknown as (inputs: Tree<tf.Tensor>) => Tree<tf.Tensor>;
  const first = traceOnce(untyped, specs as Tree<TensorSpec>);
  const second = traceOnce(untyped, specs as Tree<TensorSpec>);
  checkEqual(first, second);
  return first;
}

/** Traces once, without the comparison: for programs that are known to be pure. */
export function traceOnce(program: (inputs: Tree<tf.Tensor>) => Tree<tf.Tensor>, specs: Tree<TensorSpec>): Graph {
  return recording((recorder) => {
    const inputs: { [path: string]: number } = {};
    const outputs: { [path: string]: Value } = {};
    const record = (): void => {
      const tensors = leaves<TensorSpec>(specs, isSpec).map(([path, spec]): [string, tf.Tensor] => {
        const number = recorder.builder.add({ op: "Input", inputs: [], attributes: { path }, outputs: [spec] });
        inputs[path] = number;
        const info = recorder.info({ node: number, output: 0 });
        return [path, tf.engine().makeTensorFromTensorInfo(info, tf.backend())];
      });
      const result = program(treeOf(tensors));
      for (const [path, tensor] of leaves<unknown>(result as Tree<unknown>, isOutputLeaf)) {
        if (!(tensor instanceof tf.Tensor)) {
          throw new PipeError("program-output", "A program must return tensors in nested records.", {
            got: `${String(tensor)} at ${path === "" ? "the top" : path}`,
          });
        }
        outputs[path] = recorder.valueOf(tensor);
      }
    };
    withLongStacks(() => tf.tidy(record));
    return { nodes: recorder.builder.nodes, inputs, outputs, blocks: recorder.blocks, warnings: recorder.warnings };
  });
}

/** Whether a tree node is a spec. */
export function isSpec(node: Tree<TensorSpec>): node is TensorSpec & Tree<TensorSpec> {
  return Array.isArray((node as Partial<TensorSpec>).shape) && typeof (node as Partial<TensorSpec>).dtype === "string";
}

function isOutputLeaf(node: Tree<unknown>): node is Tree<unknown> {
  return node instanceof tf.Tensor || typeof node !== "object" || node === null || Array.isArray(node);
}

function checkEqual(first: Graph, second: Graph): void {
  const length = Math.max(first.nodes.length, second.nodes.length);
  for (let i = 0; i < length; i++) {
    const [a, b] = [first.nodes[i], second.nodes[i]];
    if (a !== undefined && b !== undefined && sameNode(a, b)) continue;
    throw new PipeError("impure-program", "A program did something else when it was traced a second time.", {
      expected: "the same ops with the same constants each time",
      got: `${describe(a)}, then ${describe(b)}`,
      ...at(b?.source ?? a?.source),
      fix: "pass what changes (random numbers, clocks, counters) as inputs; use dropout() of @pipe/graph/ops for random masks",
    });
  }
}

function describe(node: Node | undefined): string {
  if (node === undefined) return "nothing";
  return node.data === undefined
    ? `${node.op}(${formatAttributes(node.attributes)})`
    : `Constant [${[...node.data.slice(0, 3)].join(", ")}, …]`;
}

function sameNode(a: Node, b: Node): boolean {
  const { data: x, source: _a, attributes: attributesA, ...restA } = a;
  const { data: y, source: _b, attributes: attributesB, ...restB } = b;
  if (formatAttributes(attributesA) !== formatAttributes(attributesB)) return false;
  if (JSON.stringify(restA) !== JSON.stringify(restB)) return false;
  return (
    x === y || (x !== undefined && y !== undefined && x.length === y.length && x.every((v, i) => Object.is(v, y[i])))
  );
}
