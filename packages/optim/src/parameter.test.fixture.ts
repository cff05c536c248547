import type { ParameterSpec, Services } from "@pipe/core";

/** A float32 parameter that begins at zero. */
export function parameter(name: string, shape: readonly number[], decay: boolean): ParameterSpec {
  return { name, shape, dtype: "float32", init: { kind: "zeros" }, decay, trainable: true };
}

/** What definitions of this package ask for. */
export function servicesOf(parameters: readonly ParameterSpec[], steps = 10): Services {
  return { has: () => true, get: async <T>(name: string): Promise<T> => (name === "steps" ? steps : parameters) as T };
}
