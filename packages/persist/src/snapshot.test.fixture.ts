import { bytesOf, hostTensor, type CheckpointMetadata, type ISnapshot, type ParameterSpec } from "@pipe/core";

export function parameter(
  name: string,
  shape: readonly number[],
  external?: ParameterSpec["external"],
  dtype: ParameterSpec["dtype"] = "float32",
): ParameterSpec {
  const spec = { name, shape, dtype, init: { kind: "zeros" }, decay: true, trainable: true } as const;
  return external === undefined ? spec : { ...spec, external };
}

/** Two parameters, one slot and the count; all values are the step. */
export const parameters = [
  parameter("ln.bias", [2], { name: "transformer.ln.bias" }),
  parameter("wte.weight", [3, 2], { name: "transformer.wte.weight", shape: [2, 2] }),
];

export function snapshotAt(step: number, size = 2): ISnapshot {
  const tensors = [
    ["params/ln.bias", hostTensor([2], Float32Array.of(step, step))],
    ["params/wte.weight", hostTensor([3, 2], Float32Array.of(step, step, step, step, 0, 0))],
    ["scalars/applied", hostTensor([], Int32Array.of(step))],
    ["slots/m/ln.bias", hostTensor([size], new Float32Array(size).fill(step))],
  ] as const;
  return {
    specs: new Map(tensors.map(([path, { spec }]) => [path, spec])),
    async *tensors() {
      for (const [path, { spec, data }] of tensors) yield { path, spec, bytes: bytesOf(data) };
    },
    [Symbol.asyncDispose]: async () => undefined,
  };
}

export function metadataAt(step: number): CheckpointMetadata {
  return { parameters, files: { "config.json": "{}\n" }, state: { step, cursor: null } };
}
