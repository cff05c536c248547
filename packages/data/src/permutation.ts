import type { Random } from "@pipe/core";

const rounds = 6;

/**
 * Makes a random permutation of [0, size) that is computed, not stored: a Feistel network over the next even number of
 * bits, walked along its cycle until the result is in range (Black and Rogaway, 2002).
 *
 * @param size from 1 to 2⁵².
 */
export function permutation(size: number, random: Random): (index: number) => number {
  const halfBits = Math.max(1, Math.ceil(Math.log2(size) / 2));
  const half = 2 ** halfBits;
  const keys = Array.from({ length: rounds }, () => random.uint32());
  const once = (index: number): number => {
    let left = Math.floor(index / half);
    let right = index % half;
    for (const key of keys) [left, right] = [right, (left ^ mix(right ^ key)) & (half - 1)];
    return left * half + right;
  };
  return (index) => {
    let place = once(index);
    while (place >= size) place = once(place);
    return place;
  };
}

/** MurmurHash3's final mixer. */
function mix(value: number): number {
  let hash = Math.imul(value ^ (value >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return hash ^ (hash >>> 16);
}
