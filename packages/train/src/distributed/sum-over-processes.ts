import type { DeviceTensor, Tree } from "@pipe/core";
import { leaves, treeOf } from "@pipe/core";
import type { DistributedContext } from "./distributed-context.ts";

/** Elements of all leaves in one array, which is kept between steps. */
const flats = new WeakMap<DistributedContext, Float32Array>();

/** The leaves of a tree of float32 tensors, each the sum over all processes; read, added up in one call, and host arrays again. */
export async function sumOverProcesses(
  sums: Tree<DeviceTensor>,
  context: DistributedContext,
): Promise<Tree<Float32Array>> {
  const read = await Promise.all(
    leaves<DeviceTensor>(sums, isDeviceTensor).map(
      async ([path, tensor]) => [path, (await tensor.read()) as Float32Array] as const,
    ),
  );
  const length = read.reduce((sum, [, values]) => sum + values.length, 0);
  let flat = flats.get(context);
  if (flat?.length !== length) flats.set(context, (flat = new Float32Array(length)));
  let begin = 0;
  const parts = read.map(([path, values]): readonly [string, Float32Array] => {
    const part = flat.subarray(begin, (begin += values.length));
    part.set(values);
    return [path, part];
  });
  await context.sum(flat);
  return treeOf(parts);
}

function isDeviceTensor(node: Tree<DeviceTensor>): node is DeviceTensor & Tree<DeviceTensor> {
  return typeof (node as Partial<DeviceTensor>).read === "function";
}
