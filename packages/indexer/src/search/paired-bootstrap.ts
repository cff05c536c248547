import { PipeError, Random } from "@pipe/core";

/** A mean difference, and the bounds between which 95 % of such differences lie. */
export type PairedDifference = { readonly difference: number; readonly low: number; readonly high: number };

/**
 * How much more one way of searching scores than another on the same questions, and how much of that may be chance: questions are
 * drawn anew with replacement, again and again (Efron 1979). Bounds of one sign say that it is hardly chance. The same scores give
 * the same bounds on every machine.
 *
 * @param draws default 2,000.
 * @throws PipeError `scores-invalid` where there are none, or not as many of each.
 */
export function pairedBootstrap(
  ours: readonly number[],
  theirs: readonly number[],
  { draws = 2_000 }: { readonly draws?: number } = {},
): PairedDifference {
  const differences = ours.map((score, at) => score - theirs[at]!);
  const { length } = differences;
  if (length === 0 || length !== theirs.length) {
    throw new PipeError("scores-invalid", "Scores are compared question by question.", {
      expected: "as many of one as of the other, and one at least",
      got: `${ours.length} and ${theirs.length}`,
    });
  }
  const random = new Random(1);
  const mean = (pick: (at: number) => number): number => differences.reduce((sum, _, at) => sum + pick(at), 0) / length;
  const means = Array.from({ length: draws }, () => mean(() => differences[random.integer(length)]!)).sort(
    (a, b) => a - b,
  );
  const bound = (share: number): number => means[Math.floor(share * (draws - 1))]!;
  return { difference: mean((at) => differences[at]!), low: bound(0.025), high: bound(0.975) };
}
