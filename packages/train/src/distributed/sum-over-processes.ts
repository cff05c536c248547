import type { DeviceTensor, Tree } from "@pipe/core";
import { deviceTensorsOf, treeOf } from "@pipe/core";
import type { DistributedContext } from "./distributed-context.ts";

/**
 * Makes a function that gives the leaves of a tree of float32 tensors, each the sum over all processes; they are read, added up
 * in one call, and host arrays again until the next call.
 */
export function summing(context: DistributedContext): (sums: Tree<DeviceTensor>) => Promise<Tree<Float32Array>> {
  let flat = new Float32Array(0);
  return async (sums) => {
    const read = await Promise.all(
      deviceTensorsOf(sums).map(async ([path, tensor]) => [path, (await tensor.read()) as Float32Array] as const),
    );
    const length = read.reduce((sum, [, values]) => sum + values.length, 0);
    if (flat.length !== length) flat = new Float32Array(length);
    let begin = 0;
    const parts = read.map(([path, values]): readonly [string, Float32Array] => {
      const part = flat.subarray(begin, (begin += values.length));
      part.set(values);
      return [path, part];
    });
    await context.sum(flat);
    return treeOf(parts);
  };
}
