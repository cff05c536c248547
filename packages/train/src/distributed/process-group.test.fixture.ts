import type { DistributedContext } from "./distributed-context.ts";

/** Contexts of so many "processes" in this one, which add up in memory. */
export function processGroup(world: number): readonly DistributedContext[] {
  let waiting: { readonly values: Float32Array; readonly resolve: () => void }[] = [];
  const sum = (values: Float32Array): Promise<void> =>
    new Promise((resolve) => {
      waiting.push({ values, resolve });
      if (waiting.length < world) return;
      const all = waiting;
      waiting = [];
      const total = values.map((_, i) => all.reduce((added, each) => added + each.values[i]!, 0));
      for (const each of all) {
        each.values.set(total);
        each.resolve();
      }
    });
  return Array.from({ length: world }, (_, rank) => ({
    rank,
    world,
    isMain: rank === 0,
    sum,
    barrier: () => sum(new Float32Array(1)),
    [Symbol.asyncDispose]: () => Promise.resolve(),
  }));
}
