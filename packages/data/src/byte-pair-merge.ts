/**
 * Makes the function that splits a word into tokens by byte pair encoding: the adjacent pair of lowest rank is merged
 * first, the leftmost of equals. Pairs wait in a heap, so that a word of n bytes takes n·log n and not n² steps.
 *
 * Words and tokens are byte strings: one UTF-16 unit, below 256, a byte. `limit` leaves out tokens of that rank and above.
 *
 * Sennrich et al. 2016, as GPT-2 applies it to bytes.
 */
export function bytePairMerger(ranks: ReadonlyMap<string, number>): (word: string, limit?: number) => string[] {
  return (word, limit = Infinity) => {
    const size = word.length;
    const next = new Int32Array(size);
    const previous = new Int32Array(size);
    // Rank of the pair that begins at each part; a heap entry counts only while it agrees with this.
    const pairs = new Int32Array(size).fill(-1);
    for (let at = 0; at < size; at++) {
      next[at] = at + 1;
      previous[at] = at - 1;
    }
    const heap: number[] = [];

    const offer = (at: number): void => {
      const middle = next[at]!;
      const rank = middle < size ? ranks.get(word.slice(at, next[middle])) : undefined;
      const merges = rank !== undefined && rank < limit;
      pairs[at] = merges ? rank : -1;
      if (merges) push(heap, rank * 2 ** 32 + at);
    };
    for (let at = 0; at < size; at++) offer(at);

    while (heap.length > 0) {
      const entry = pop(heap);
      const at = entry % 2 ** 32;
      if (pairs[at] !== (entry - at) / 2 ** 32) continue;
      const middle = next[at]!;
      const end = next[middle]!;
      next[at] = end;
      pairs[middle] = -1;
      if (end < size) previous[end] = at;
      offer(at);
      if (previous[at]! >= 0) offer(previous[at]!);
    }

    const parts: string[] = [];
    for (let at = 0; at < size; at = next[at]!) parts.push(word.slice(at, next[at]));
    return parts;
  };
}

function push(heap: number[], entry: number): void {
  let at = heap.length;
  heap.push(entry);
  while (at > 0) {
    const parent = (at - 1) >>> 1;
    if (heap[parent]! <= entry) break;
    heap[at] = heap[parent]!;
    at = parent;
  }
  heap[at] = entry;
}

function pop(heap: number[]): number {
  const top = heap[0]!;
  const entry = heap.pop()!;
  const size = heap.length;
  if (size === 0) return top;
  let at = 0;
  for (let child = 1; child < size; child = 2 * at + 1) {
    if (child + 1 < size && heap[child + 1]! < heap[child]!) child++;
    if (heap[child]! >= entry) break;
    heap[at] = heap[child]!;
    at = child;
  }
  heap[at] = entry;
  return top;
}
