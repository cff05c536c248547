import type { TensorSpec } from "@pipe/core";
import { PipeError, sizeOf } from "@pipe/core";

/** Devices of one process that compute each program together. */
export type Mesh = {
  /** Number of devices that share the rows of a batch. */
  readonly data: number;
  /**
   * Whether they share the state as well, parameters and optimizer slots: each then keeps a part of the rows of every larger
   * tensor (fully sharded data parallelism, FSDP; Rajbhandari et al., 2020). Default false: each keeps all of it.
   */
  readonly fsdp?: boolean | undefined;
};

/** One device on its own. */
export const alone: Mesh = { data: 1 };

/** Tensors with fewer elements stay whole: gathering them would take longer than their memory is worth. */
const SMALL = 1024;

/** Whether the first axis of a tensor is divided among the devices; it must divide without a rest. */
export function isSplit({ data, fsdp = false }: Mesh, { shape }: Pick<TensorSpec, "shape">, isBatch = false): boolean {
  const [rows = 0] = shape;
  if (data === 1 || rows === 0 || rows % data !== 0) return false;
  return isBatch || (fsdp && sizeOf(shape) >= SMALL);
}

/** The part of a tensor that one device keeps. */
export function partOf({ data }: Mesh, spec: TensorSpec): TensorSpec {
  return { shape: [spec.shape[0]! / data, ...spec.shape.slice(1)], dtype: spec.dtype };
}

/** @throws PipeError `mesh-invalid` where its size is no positive integer. */
export function checkMesh({ data }: Mesh): void {
  if (Number.isInteger(data) && data >= 1) return;
  throw new PipeError("mesh-invalid", "The number of devices must be a positive integer.", {
    got: String(data),
    where: "mesh.data",
  });
}
