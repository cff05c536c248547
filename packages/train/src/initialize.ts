import type { HostTensor, ParameterSpec } from "@pipe/core";
import { type Random, sizeOf } from "@pipe/core";

/**
 * Makes the initial values of parameters on the host, from one split of `random` a name: the order does not matter, and
 * a parameter that is added leaves the others as they were.
 */
export function initialize(
  parameters: readonly ParameterSpec[],
  random: Random,
): { readonly [name: string]: HostTensor } {
  return Object.fromEntries(
    parameters.map(({ name, shape, init }) => {
      const data = new Float32Array(sizeOf(shape));
      const stream = random.split(name);
      if (init.kind === "ones") data.fill(1);
      if (init.kind === "normal") for (let i = 0; i < data.length; i++) data[i] = init.deviation * stream.normal();
      if (init.kind === "uniform") {
        for (let i = 0; i < data.length; i++) data[i] = init.bound * (2 * stream.uniform() - 1);
      }
      return [name, { spec: { shape, dtype: "float32" }, data }];
    }),
  );
}
