import type { Graph, Value } from "@pipe/graph";

/** Nodes of `choose` with one condition, and the nodes that only their first branch needs. */
export type Branch = {
  readonly condition: Value;
  readonly chooses: readonly number[];
  readonly members: ReadonlySet<number>;
};

/**
 * Finds what can become an `If`: all `choose` nodes of one condition, where none is used before the last of them.
 * Everything that is computed for their first branch alone then costs nothing when the second is taken, and choosing
 * costs nothing at all.
 */
export function findBranches(graph: Graph): readonly Branch[] {
  const groups = new Map<string, number[]>();
  graph.nodes.forEach(({ op, inputs }, number) => {
    if (op !== "choose") return;
    const { node, output } = inputs[0]!;
    const key = `${node}.${output}`;
    groups.set(key, [...(groups.get(key) ?? []), number]);
  });
  const users = usersOf(graph);
  const outputs = new Set(Object.values(graph.outputs).map(({ node }) => node));
  return [...groups.values()].flatMap((chooses): Branch[] => {
    const last = chooses.at(-1)!;
    const isEarly = chooses.some((choose) => users[choose]!.some(({ user }) => user <= last));
    if (isEarly) return [];
    const group = new Set(chooses);
    const members = new Set<number>();
    for (let number = last - 1; number >= 0; number--) {
      const { op } = graph.nodes[number]!;
      const uses = users[number]!;
      if (op === "Input" || op === "Constant" || uses.length === 0 || outputs.has(number) || group.has(number))
        continue;
      if (uses.every(({ user, input }) => members.has(user) || (group.has(user) && input === 1))) members.add(number);
    }
    return [{ condition: graph.nodes[last]!.inputs[0]!, chooses, members }];
  });
}

/** For each node, who uses its outputs, and as which input. */
function usersOf(graph: Graph): readonly (readonly { readonly user: number; readonly input: number }[])[] {
  const users = graph.nodes.map((): { user: number; input: number }[] => []);
  graph.nodes.forEach(({ inputs }, user) => inputs.forEach(({ node }, input) => users[node]!.push({ user, input })));
  return users;
}
