/** nDCG of the first k, with linear gains. */
export function ndcg(found: readonly string[], right: ReadonlyMap<string, number>, k: number): number {
  const sum = (gains: readonly number[]): number =>
    gains.slice(0, k).reduce((total, gain, rank) => total + gain / Math.log2(rank + 2), 0);
  const ideal = sum([...right.values()].sort((a, b) => b - a));
  return ideal === 0 ? 0 : sum(found.map((id) => right.get(id) ?? 0)) / ideal;
}

/** The share of what is right among the first k. */
export function recall(found: readonly string[], right: ReadonlyMap<string, number>, k: number): number {
  return right.size === 0 ? 0 : found.slice(0, k).filter((id) => right.has(id)).length / right.size;
}
