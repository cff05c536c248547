import { type Size, sizes } from "../train/sizes.ts";

/** Sizes of the GPU benchmark: GPT-2 124M as it is trained, and one that any processor can do. */
export const gpuSizes: { readonly [size: string]: Omit<Size, "rows" | "steps"> } = {
  s: sizes["s"]!,
  m: sizes["m"]!,
  "124m": { vocabulary: 50304, positions: 1024, width: 768, heads: 12, layers: 12 },
};
