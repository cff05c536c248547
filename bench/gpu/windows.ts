import { readFileSync } from "node:fs";
import type { HostArray } from "@pipe/core";

/** Batches of a file of uint16 token ids, window after window, each row one token longer than the model reads. */
export function windowsOf(
  path: string,
  rows: number,
  positions: number,
  vocabulary: number,
): (step: number) => { readonly [name: string]: HostArray } {
  const bytes = readFileSync(path);
  const tokens = new Uint16Array(bytes.buffer, bytes.byteOffset, bytes.byteLength >> 1);
  const count = Math.floor((tokens.length - 1) / positions);
  const weights = new Float32Array(rows * positions).fill(1);
  return (step) => {
    const [ids, targets] = [new Int32Array(rows * positions), new Int32Array(rows * positions)];
    for (let row = 0; row < rows; row++) {
      const start = ((step * rows + row) % count) * positions;
      for (let t = 0; t < positions; t++) {
        ids[row * positions + t] = tokens[start + t]! % vocabulary;
        targets[row * positions + t] = tokens[start + t + 1]! % vocabulary;
      }
    }
    return { ids, targets, weights };
  };
}
