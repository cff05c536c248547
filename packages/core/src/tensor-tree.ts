import type { DeviceTensor, HostTensor, Tree } from "./interfaces/tensors.ts";
import { checkHostArray } from "./tensor-spec.ts";
import { leaves } from "./tree.ts";

/** The host tensors of a tree with their paths, each checked against its spec. @throws PipeError `input-mismatch`. */
export function hostTensorsOf(tree: Tree<HostTensor>): readonly (readonly [path: string, tensor: HostTensor])[] {
  const found = leaves<HostTensor>(tree, isHostTensor);
  for (const [path, { spec, data }] of found) checkHostArray(data, spec, path);
  return found;
}

/** The device tensors of a tree with their paths, whichever engine holds them. */
export function deviceTensorsOf(tree: Tree<DeviceTensor>): readonly (readonly [path: string, tensor: DeviceTensor])[] {
  return leaves<DeviceTensor>(tree, isDeviceTensor);
}

function isHostTensor(node: Tree<HostTensor>): node is HostTensor {
  return ArrayBuffer.isView((node as Partial<HostTensor>).data);
}

function isDeviceTensor(node: Tree<DeviceTensor>): node is DeviceTensor & Tree<DeviceTensor> {
  return typeof (node as Partial<DeviceTensor>).read === "function";
}
