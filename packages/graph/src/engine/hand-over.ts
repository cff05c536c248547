import type { HostArray, HostTensor } from "@pipe/core";

/** Host tensors by path, as they are given to `put`. */
type Found = readonly (readonly [path: string, tensor: HostTensor])[];

/**
 * Arrays that an engine may keep or pass on for those given to `put`: the same where they are handed over and have a buffer
 * to themselves, copies else.
 */
export function ownArrays(found: Found, transfer = false): readonly HostArray[] {
  const taken = new Set<ArrayBufferLike>();
  return found.map(([, { data }]) => {
    if (!transfer || !isWhole(data) || taken.has(data.buffer)) return data.slice() as HostArray;
    taken.add(data.buffer);
    return data;
  });
}

/** Frees arrays that were handed over and copied, which may be long before garbage is collected; not those that are a part of something. */
export function releaseArrays(found: Found): void {
  const whole = found.flatMap(([, { data }]) => (isWhole(data) ? [data.buffer as ArrayBuffer] : []));
  for (const buffer of new Set(whole)) buffer.transfer(0);
}

function isWhole({ buffer, byteLength }: HostArray): boolean {
  return buffer instanceof ArrayBuffer && byteLength === buffer.byteLength;
}
