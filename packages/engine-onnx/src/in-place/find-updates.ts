import type { TensorSpec } from "@pipe/core";
import { formatSpec, sizeOf } from "@pipe/core";
import type { Graph, Node, Value } from "@pipe/graph";
import { specOf } from "@pipe/graph";
import { hasKernel, type Kernel, type KernelStep, type Operand } from "./simd-kernel.ts";

/** State that one kernel replaces element by element, once everything else of the program has run. */
export type Update = {
  readonly kernel: Kernel;
  readonly spec: TensorSpec;
  /** What the kernel reads: donated state or a value of the rest of the program. */
  readonly arrays: readonly Value[];
  /** Values of one element. */
  readonly scalars: readonly Value[];
  /** Where it is false, the state stays as it is. */
  readonly condition?: Value;
  /** For each of the kernel's results: the path of the state, and which of the arrays it replaces. */
  readonly results: readonly { readonly path: string; readonly array: number }[];
};

/** An output that replaces donated state of the same path. */
type Root = { readonly path: string; readonly input: number; readonly next: number; readonly condition?: Value };

/**
 * Finds the elementwise end of a program: donated state that is replaced by a function of itself, other arrays of its
 * shape and scalars, as an optimizer does. One pass in place over such state costs a fraction of an op at a time.
 */
export function findUpdates(graph: Graph, isDonated: (path: string) => boolean): readonly Update[] {
  const roots = rootsOf(graph, isDonated);
  const users = usersOf(graph);
  const chooses = new Map<number, Root>();
  const rootNodes = new Set<number>();
  for (const root of roots) {
    if (root.condition !== undefined) chooses.set(graph.outputs[root.path]!.node, root);
    rootNodes.add(root.next);
  }
  const outputs = new Map<number, number>();
  for (const { node } of Object.values(graph.outputs)) outputs.set(node, (outputs.get(node) ?? 0) + 1);
  const inside = new Set<number>();
  for (let number = graph.nodes.length - 1; number >= 0; number--) {
    const node = graph.nodes[number]!;
    if (!isFusable(graph, node)) continue;
    const uses = users[number]!;
    if (uses.length === 0 && !rootNodes.has(number)) continue;
    const direct = outputs.get(number) ?? 0;
    const wanted = roots.filter(({ next, condition }) => next === number && condition === undefined).length;
    if (direct !== wanted) continue;
    if (uses.every(({ user, input }) => inside.has(user) || (input === 1 && chooses.has(user)))) inside.add(number);
  }
  const groups = groupsOf(graph, inside, roots);
  return groups.flatMap((group) => updateOf(graph, group, inside) ?? []);
}

function rootsOf(graph: Graph, isDonated: (path: string) => boolean): Root[] {
  return Object.entries(graph.outputs).flatMap(([path, value]): Root[] => {
    const input = graph.inputs[path];
    if (input === undefined || !isDonated(path)) return [];
    const node = graph.nodes[value.node]!;
    if (formatSpec(node.outputs[0]!) !== formatSpec(graph.nodes[input]!.outputs[0]!)) return [];
    const [condition, next, old] = node.inputs;
    if (node.op !== "choose" || old!.node !== input) return [{ path, input, next: value.node }];
    return [{ path, input, next: next!.node, condition: condition! }];
  });
}

/** Elementwise over float32 arrays of one shape and scalars. */
function isFusable(graph: Graph, node: Node): boolean {
  const [spec] = node.outputs;
  if (!hasKernel(node.op) || spec!.dtype !== "float32" || sizeOf(spec!.shape) <= 1) return false;
  return node.inputs.every((value) => {
    const { shape, dtype } = specOf(graph.nodes, value);
    const isScalar = sizeOf(shape) === 1 && dtype !== "int32";
    return isScalar || (dtype === "float32" && shape.join() === spec!.shape.join());
  });
}

/** Roots that share steps or arrays go into one kernel, which loads each array before it stores any. */
function groupsOf(graph: Graph, inside: ReadonlySet<number>, roots: readonly Root[]): readonly (readonly Root[])[] {
  const groups: { roots: Root[]; nodes: Set<number> }[] = [];
  for (const root of roots) {
    if (!inside.has(root.next)) continue;
    const nodes = new Set([root.input]);
    const pending = [root.next];
    for (let number = pending.pop(); number !== undefined; number = pending.pop()) {
      if (nodes.has(number)) continue;
      nodes.add(number);
      if (!inside.has(number)) continue;
      for (const { node } of graph.nodes[number]!.inputs) if (!isScalar(graph, node)) pending.push(node);
    }
    const touching = groups.filter((group) => [...nodes].some((number) => group.nodes.has(number)));
    const merged = { roots: [root], nodes };
    for (const group of touching) {
      merged.roots = [...group.roots, ...merged.roots];
      for (const number of group.nodes) merged.nodes.add(number);
      groups.splice(groups.indexOf(group), 1);
    }
    groups.push(merged);
  }
  return groups.map((group) => group.roots);
}

function updateOf(graph: Graph, roots: readonly Root[], inside: ReadonlySet<number>): Update | undefined {
  const keyOf = (value: Value | undefined): string => (value === undefined ? "" : `${value.node}.${value.output}`);
  const [first] = roots;
  if (roots.some(({ condition }) => keyOf(condition) !== keyOf(first!.condition))) return undefined;
  const arrays: Value[] = [];
  const scalars: Value[] = [];
  const steps: KernelStep[] = [];
  const stepOf = new Map<number, number>();
  const indexIn = (list: Value[], value: Value): number => {
    const known = list.findIndex((other) => keyOf(other) === keyOf(value));
    return known >= 0 ? known : list.push(value) - 1;
  };
  const operand = (value: Value): Operand => {
    const node = graph.nodes[value.node]!;
    if (node.op === "Fill") return { kind: "literal", value: node.attributes["value"] as number };
    if (inside.has(value.node)) return { kind: "step", index: visit(value.node) };
    if (sizeOf(specOf(graph.nodes, value).shape) === 1) return { kind: "scalar", index: indexIn(scalars, value) };
    return { kind: "array", index: indexIn(arrays, value) };
  };
  const visit = (number: number): number => {
    const known = stepOf.get(number);
    if (known !== undefined) return known;
    const { op, inputs, attributes } = graph.nodes[number]!;
    const operands = inputs.map(operand);
    const index = steps.push({ op, operands, attributes }) - 1;
    stepOf.set(number, index);
    return index;
  };
  const results = roots.map(({ next }): Operand => ({ kind: "step", index: visit(next) }));
  const replaced = roots.map(({ path, input }) => ({ path, array: indexIn(arrays, { node: input, output: 0 }) }));
  return {
    kernel: { arrays: arrays.length, scalars: scalars.length, steps, results },
    spec: graph.nodes[first!.next]!.outputs[0]!,
    arrays,
    scalars,
    results: replaced,
    ...(first!.condition === undefined ? {} : { condition: first!.condition }),
  };
}

function isScalar(graph: Graph, number: number): boolean {
  return sizeOf(graph.nodes[number]!.outputs[0]!.shape) === 1;
}

/** For each node, who uses its outputs, and as which input. */
function usersOf(graph: Graph): readonly (readonly { readonly user: number; readonly input: number }[])[] {
  const users = graph.nodes.map((): { user: number; input: number }[] => []);
  graph.nodes.forEach(({ inputs }, user) => inputs.forEach(({ node }, input) => users[node]!.push({ user, input })));
  return users;
}
