import { Random } from "@pipe/core";

/**
 * The mean difference between two scores of the same queries, and the bounds that hold 95 % of its means over queries drawn
 * anew with replacement.
 */
export function pairedBootstrap(
  ours: readonly number[],
  theirs: readonly number[],
  draws = 2_000,
): { readonly difference: number; readonly low: number; readonly high: number } {
  const differences = ours.map((score, at) => score - theirs[at]!);
  const random = new Random(1);
  const mean = (pick: (at: number) => number): number =>
    differences.reduce((sum, _, at) => sum + pick(at), 0) / differences.length;
  const means = Array.from({ length: draws }, () => mean(() => differences[random.integer(differences.length)]!)).sort(
    (a, b) => a - b,
  );
  const bound = (share: number): number => means[Math.floor(share * (draws - 1))]!;
  return { difference: mean((at) => differences[at]!), low: bound(0.025), high: bound(0.975) };
}
