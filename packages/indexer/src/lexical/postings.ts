/** Where a term stands in a segment: ordinals of passages, rising, and how often. */
export type Postings = { readonly ordinals: Int32Array; readonly counts: Uint16Array };

/** Packs postings: gaps between ordinals in variable length, with a bit for the common count of 1. */
export function encodePostings(pairs: readonly number[]): Uint8Array {
  const bytes = new Uint8Array(pairs.length * 5);
  let at = 0;
  const put = (value: number): void => {
    let rest = value;
    for (; rest > 0x7f; rest = Math.floor(rest / 128)) bytes[at++] = (rest & 0x7f) | 0x80;
    bytes[at++] = rest;
  };
  let last = -1;
  for (let i = 0; i < pairs.length; i += 2) {
    const count = Math.min(pairs[i + 1]!, 0xffff);
    put((pairs[i]! - last - 1) * 2 + (count === 1 ? 1 : 0));
    if (count !== 1) put(count);
    last = pairs[i]!;
  }
  return bytes.slice(0, at);
}

/** Unpacks postings. @param size how many there are. */
export function decodePostings(bytes: Uint8Array, size: number): Postings {
  const ordinals = new Int32Array(size);
  const counts = new Uint16Array(size);
  let at = 0;
  const take = (): number => {
    let byte = bytes[at++]!;
    let value = byte & 0x7f;
    for (let scale = 128; byte > 0x7f; scale *= 128) {
      byte = bytes[at++]!;
      value += (byte & 0x7f) * scale;
    }
    return value;
  };
  let last = -1;
  for (let i = 0; i < size; i++) {
    const head = take();
    last += (head - (head & 1)) / 2 + 1;
    ordinals[i] = last;
    counts[i] = (head & 1) === 1 ? 1 : take();
  }
  return { ordinals, counts };
}
