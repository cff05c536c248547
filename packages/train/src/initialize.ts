import type { HostTensor, ParameterSpec } from "@pipe/core";
import { type Random, sizeOf } from "@pipe/core";

/**
 * Makes the initial values of parameters on the host, from one split of `random` a name: the order does not matter, and
 * a parameter that is added leaves the others as they were. Rows that only pad a parameter are zero, and change no other
 * value.
 */
export function initialize(
  parameters: readonly ParameterSpec[],
  random: Random,
): { readonly [name: string]: HostTensor } {
  return Object.fromEntries(
    parameters.map((parameter) => {
      const { name, shape } = parameter;
      const data = new Float32Array(sizeOf(shape));
      const next = valuesOf(parameter, random.split(name));
      const isPadding = paddingOf(parameter);
      for (let i = 0; i < data.length; i++) if (isPadding?.(i) !== true) data[i] = next();
      return [name, { spec: { shape, dtype: "float32" }, data }];
    }),
  );
}

/** One initial value after the other. */
function valuesOf({ init }: ParameterSpec, stream: Random): () => number {
  switch (init.kind) {
    case "zeros":
      return () => 0;
    case "ones":
      return () => 1;
    case "normal":
      return () => init.deviation * stream.normal();
    case "uniform":
      return () => init.bound * (2 * stream.uniform() - 1);
  }
}

/** Which elements are padding: those after the rows that exchanged files hold; nothing where there are none. */
function paddingOf({ shape, external }: ParameterSpec): ((element: number) => boolean) | undefined {
  if (external?.shape === undefined) return undefined;
  const rows = external.shape[0]!;
  if (external.transposed === true) return (element) => element % shape[1]! >= rows;
  const size = sizeOf(external.shape);
  return (element) => element >= size;
}
