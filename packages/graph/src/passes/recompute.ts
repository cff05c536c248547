import { PipeError } from "@pipe/core";
import type { Block, Graph, GraphBuilder, Node, Value } from "../graph.ts";
import { rewrite } from "./rewrite.ts";

/**
 * Computes the inside of named blocks a second time where the backward pass needs it, instead of keeping it until then
 * (Chen et al., 2016, "Training Deep Nets with Sublinear Memory Cost"). Only what a block returns is kept.
 *
 * The second computation stands behind a `barrier` on the gradient that arrives at the block: without that dependence an
 * engine merges it with the first, or runs it early, and saves nothing. `names` may hold `*` for any characters.
 * @throws PipeError `recompute-unknown` where a name fits no block.
 */
export function recompute(graph: Graph, names: readonly string[]): Graph {
  const chosen = new Set(names.flatMap((name) => matching(graph.blocks, name)));
  if (chosen.size === 0) return graph;
  const blockOf = new Map([...chosen].flatMap((block) => block.nodes.map((number) => [number, block] as const)));
  const plans = new Map([...chosen].map((block) => [block, planOf(graph, block)]));
  const copies = new Map([...chosen].map((block) => [block, new Map<number, number>()]));
  // Numbers of the first computation in the new graph; `rewrite` renames a node's own inputs only.
  const renamed = new Map<number, readonly Value[]>();
  return rewrite(graph, (node, builder, number) => {
    const original = graph.nodes[number]!;
    const inputs = node.inputs.map((input, i) => {
      const { node: from, output } = original.inputs[i]!;
      const block = blockOf.get(from);
      const plan = block === undefined ? undefined : plans.get(block)!;
      if (plan === undefined || !plan.late.has(number) || plan.kept.has(`${from}.${output}`)) return input;
      return { node: copy(graph, builder, from, plan, copies.get(block!)!, renamed), output };
    });
    const made = builder.add({ ...node, inputs });
    const values = node.outputs.map((_, output) => ({ node: made, output }));
    renamed.set(number, values);
    return values;
  });
}

type Plan = {
  readonly inside: ReadonlySet<number>;
  /** What the block returns. */
  readonly kept: ReadonlySet<string>;
  /** Nodes outside that use what is inside: the backward pass. */
  readonly late: ReadonlySet<number>;
  /** The gradient that arrives first. */
  readonly gradient: Value;
};

function planOf(graph: Graph, block: Block): Plan {
  const inside = new Set(block.nodes);
  const kept = new Set(block.outputs.map(keyOf));
  const isHidden = (value: Value): boolean => inside.has(value.node) && !kept.has(keyOf(value));
  const last = Math.max(...block.nodes);
  const late = new Set<number>();
  // Whatever is computed from hidden values cannot be waited for before they are computed again.
  const dependent = new Set<number>();
  let gradient: Value | undefined;
  graph.nodes.forEach(({ inputs }, number) => {
    if (number <= last || inside.has(number)) return;
    const uses = inputs.some(isHidden);
    if (uses) late.add(number);
    if (uses || inputs.some(({ node }) => dependent.has(node))) dependent.add(number);
    if (!uses || gradient !== undefined) return;
    gradient = inputs.find(({ node }) => node > last && !dependent.has(node) && isComputed(graph.nodes[node]!));
  });
  return { inside, kept, late: gradient === undefined ? new Set() : late, gradient: gradient! };
}

function copy(
  graph: Graph,
  builder: GraphBuilder,
  number: number,
  plan: Plan,
  copies: Map<number, number>,
  renamed: ReadonlyMap<number, readonly Value[]>,
): number {
  const known = copies.get(number);
  if (known !== undefined) return known;
  const node = graph.nodes[number]!;
  const valueOf = ({ node: from, output }: Value): Value => renamed.get(from)![output]!;
  const inputs = node.inputs.map((input): Value => {
    const { node: from, output } = input;
    if (plan.inside.has(from) && !plan.kept.has(keyOf(input))) {
      return { node: copy(graph, builder, from, plan, copies, renamed), output };
    }
    if (!isComputed(graph.nodes[from]!) || plan.inside.has(from)) return valueOf(input);
    // Negative keys: the barriers behind which the block's inputs stand.
    const key = -1 - from;
    let barrier = copies.get(key);
    if (barrier === undefined) {
      const waiting = [valueOf(input), valueOf(plan.gradient)];
      const outputs = [graph.nodes[from]!.outputs[output]!];
      barrier = builder.add({ op: "barrier", inputs: waiting, attributes: {}, outputs });
      copies.set(key, barrier);
    }
    return { node: barrier, output: 0 };
  });
  const made = builder.add({ ...node, inputs });
  copies.set(number, made);
  return made;
}

/** Inputs and constants are there anyway. */
function isComputed({ op }: Node): boolean {
  return op !== "Input" && op !== "Constant" && op !== "Fill";
}

function keyOf({ node, output }: Value): string {
  return `${node}.${output}`;
}

function matching(blocks: readonly Block[], name: string): readonly Block[] {
  const pattern = new RegExp(
    `^${name
      .split("*")
      .map((part) => part.replace(/[.+?^${}()|[\]\\]/g, "\\$&"))
      .join(".*")}$`,
  );
  const found = blocks.filter((block) => pattern.test(block.name));
  if (found.length > 0) return found;
  throw new PipeError("recompute-unknown", `No block of the program is named ${name}.`, {
    expected:
      blocks.length === 0 ? "a program with blocks" : [...new Set(blocks.map((block) => block.name))].join(", "),
    got: name,
  });
}
