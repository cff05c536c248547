import type { Tree } from "./interfaces/tensors.ts";

/** The leaves of a tree with their paths, in the tree's own order; `isLeaf` tells a leaf from a record. */
export function leaves<L>(tree: Tree<L>, isLeaf: (node: Tree<L>) => node is L & Tree<L>, path = ""): [string, L][] {
  if (isLeaf(tree)) return [[path, tree]];
  return Object.entries(tree as { [name: string]: Tree<L> | undefined }).flatMap(([name, child]) =>
    child === undefined ? [] : leaves(child, isLeaf, path === "" ? name : `${path}/${name}`),
  );
}

/** Builds nested records from leaves with paths: the inverse of {@link leaves}. */
export function treeOf<L>(entries: Iterable<readonly [string, L]>): Tree<L> {
  const root: { [name: string]: unknown } = {};
  for (const [path, leaf] of entries) {
    if (path === "") return leaf;
    const names = path.split("/");
    const last = names.pop()!;
    let node = root;
    for (const name of names) node = (node[name] ??= {}) as { [name: string]: unknown };
    node[last] = leaf;
  }
  return root as Tree<L>;
}
