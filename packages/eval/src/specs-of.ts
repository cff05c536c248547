import type { TensorSpec } from "@pipe/core";

/** The specs of tensors by name. */
export function specsOf(tensors: { readonly [name: string]: { readonly spec: TensorSpec } }): {
  readonly [name: string]: TensorSpec;
} {
  return Object.fromEntries(Object.entries(tensors).map(([name, { spec }]) => [name, spec]));
}
