/** How far an engine may be from the reference, relative to 1 + |reference|. */
export const engineTolerances: { readonly [op: string]: number } = { default: 1e-5, exact: 0 };

/** Ops that compute exactly, on every engine. */
export const exactOps = new Set([
  "Add",
  "Sub",
  "Floor",
  "Transpose",
  "Slice",
  "Concat",
  "Tile",
  "PadV2",
  "Reshape",
  "Cast",
  "OneHot",
]);
