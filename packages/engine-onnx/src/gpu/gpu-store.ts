import type { PipeError } from "@pipe/core";
import type { Tensor } from "onnxruntime-node";

/** The tensors of a GPU's session host by number; one that a failed run should have made carries that run's error. */
export class GpuStore {
  readonly #tensors = new Map<number, Tensor | PipeError>();

  /** @throws the error of the run that failed to make it. */
  get(tensor: number): Tensor {
    const stored = this.#tensors.get(tensor)!;
    if (stored instanceof Error) throw stored;
    return stored;
  }

  set(tensor: number, value: Tensor | PipeError): void {
    this.#tensors.set(tensor, value);
  }

  /** Gives a tensor another number. */
  rename(from: number, to: number): void {
    this.#tensors.set(to, this.get(from));
    this.#tensors.delete(from);
  }

  /** Forgets a tensor and frees its memory. */
  free(tensor: number): void {
    const stored = this.#tensors.get(tensor);
    this.#tensors.delete(tensor);
    if (stored !== undefined && !(stored instanceof Error)) stored.dispose();
  }

  /** Frees all of them. */
  clear(): void {
    for (const tensor of [...this.#tensors.keys()]) this.free(tensor);
  }
}
