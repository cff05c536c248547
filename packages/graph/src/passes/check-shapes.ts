import type { TensorSpec } from "@pipe/core";
import { formatSpec, PipeError } from "@pipe/core";
import { at } from "../recorder.ts";
import { compositeOf } from "../composite.ts";
import type { Graph, Node } from "../graph.ts";
import { specOf } from "../graph.ts";
import { plainOps } from "../plain/index.ts";

/** Infers every spec again and returns the graph as it is. @throws PipeError `graph-invalid` naming the node. */
export function checkShapes(graph: Graph): Graph {
  graph.nodes.forEach((node, number) => {
    if (node.op === "Input" || node.op === "Constant") return;
    const late = node.inputs.find((value) => value.node >= number);
    const inferred = late === undefined ? inferSpecs(node, graph) : [];
    const [expected, got] = [inferred.map(formatSpec).join(), node.outputs.map(formatSpec).join()];
    if (late === undefined && expected === got) return;
    throw new PipeError("graph-invalid", "A graph does not fit together.", {
      expected: late === undefined ? expected : "inputs that come before their use",
      got: late === undefined ? got : `%${late.node} in %${number}`,
      where: at(node.source).where ?? `%${number} ${node.op}`,
    });
  });
  return graph;
}

function inferSpecs(node: Node, graph: Graph): readonly TensorSpec[] {
  const specs = node.inputs.map((value) => specOf(graph.nodes, value));
  const composite = compositeOf(node.op);
  if (composite !== undefined) return composite.infer(specs, node.attributes);
  const op = plainOps.get(node.op);
  if (op === undefined) throw new PipeError("graph-invalid", `There is no op ${node.op}.`, at(node.source));
  return [op.infer(specs, node.attributes)];
}
