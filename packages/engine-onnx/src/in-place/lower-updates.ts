import { byteSizeOf } from "@pipe/core";
import type { Value } from "@pipe/graph";
import type { Source, UpdatePlan } from "../protocol.ts";
import type { Update } from "./find-updates.ts";
import { compileKernel } from "./simd-kernel.ts";
import { wasmModule } from "./wasm-module.ts";

/** Compiles updates to a module with one function for each kind of kernel, and says what each reads and replaces. */
export function lowerUpdates(
  updates: readonly Update[],
  sourceOf: (value: Value) => Source,
): { readonly module: Uint8Array<ArrayBuffer>; readonly updates: readonly UpdatePlan[] } {
  const numbers = new Map<string, number>();
  const functions: ReturnType<typeof compileKernel>[] = [];
  const plans = updates.map(({ kernel, spec, arrays, scalars, condition, results }): UpdatePlan => {
    const compiled = compileKernel(kernel);
    // Of its bytes, which tell numbers apart that JSON does not: infinities and NaN.
    const key = JSON.stringify(compiled);
    let number = numbers.get(key);
    if (number === undefined) {
      number = functions.push(compiled) - 1;
      numbers.set(key, number);
    }
    return {
      function: number,
      byteLength: byteSizeOf(spec),
      arrays: arrays.map(sourceOf),
      scalars: scalars.map(sourceOf),
      replaces: results.map(({ array }) => array),
      ...(condition === undefined ? {} : { condition: sourceOf(condition) }),
    };
  });
  return { module: wasmModule(functions), updates: plans };
}
