import { totalmem } from "node:os";
import { type DeviceInfo, type IOptimizer, type ParameterSpec, PipeError, sizeOf } from "@pipe/core";

/**
 * Compares the state of a training with the memory of its device: weights, their gradients and what the optimizer keeps.
 * Activations come on top, so a model that passes may still be too large.
 * @throws PipeError `model-too-large`.
 */
export function checkModelFits(
  parameters: readonly ParameterSpec[],
  optimizer: IOptimizer,
  { kind, memoryBytes = kind === "cpu" ? totalmem() : undefined }: DeviceInfo,
): void {
  const count = parameters.reduce((sum, { shape }) => sum + sizeOf(shape), 0);
  const bytes = parameters.reduce((sum, parameter) => {
    const slots = optimizer.slots(parameter).reduce((kept, { shape }) => kept + sizeOf(shape), 0);
    return sum + 4 * (2 * sizeOf(parameter.shape) + slots);
  }, 0);
  if (memoryBytes === undefined || bytes <= memoryBytes) return;
  throw new PipeError("model-too-large", "The model does not fit into memory while it is trained.", {
    expected: `at most ${gibibytes(memoryBytes)} for weights, gradients and optimizer`,
    got: `${gibibytes(bytes)} for ${count.toExponential(1)} parameters`,
    where: "model",
    fix: "make the width or the number of layers smaller",
  });
}

function gibibytes(bytes: number): string {
  return `${(bytes / 2 ** 30).toLocaleString("en", { maximumFractionDigits: 1 })} GiB`;
}
