/** Neighbours to each side that enter a smoothed value. */
const REACH = 4;

/** Each value averaged with its neighbours, nearer ones more; unlike a running mean it does not lag behind. */
export function smoothed(values: readonly number[]): readonly number[] {
  return values.map((_, i) => {
    let [sum, total] = [0, 0];
    for (let j = Math.max(0, i - REACH); j <= Math.min(values.length - 1, i + REACH); j++) {
      const weight = REACH + 1 - Math.abs(i - j);
      sum += weight * values[j]!;
      total += weight;
    }
    return sum / total;
  });
}

/** Where a curve falls fastest, by the slope across each point's neighbours; undefined where it falls nowhere. */
export function steepest(curve: readonly number[]): number | undefined {
  let best: { readonly at: number; readonly slope: number } | undefined;
  for (let at = REACH; at < curve.length - REACH; at++) {
    const slope = curve[at + REACH]! - curve[at - REACH]!;
    if (slope < (best?.slope ?? 0)) best = { at, slope };
  }
  return best?.at;
}
