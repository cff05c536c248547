/** Model sizes that all contenders share: vocabulary, positions, width, heads, layers, rows, steps of a round. */
export const sizes: { readonly [size: string]: Size } = {
  s: { vocabulary: 512, positions: 64, width: 128, heads: 4, layers: 2, rows: 4, steps: 60 },
  m: { vocabulary: 8192, positions: 128, width: 256, heads: 8, layers: 4, rows: 8, steps: 16 },
  "124m": { vocabulary: 50304, positions: 256, width: 768, heads: 12, layers: 12, rows: 2, steps: 6 },
};

/** One of them. */
export type Size = {
  readonly vocabulary: number;
  readonly positions: number;
  readonly width: number;
  readonly heads: number;
  readonly layers: number;
  readonly rows: number;
  readonly steps: number;
};
