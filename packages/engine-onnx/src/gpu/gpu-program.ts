import type { HostArray, TensorSpec } from "@pipe/core";
import { byteSizeOf } from "@pipe/core";
import type { InferenceSession, Tensor } from "onnxruntime-node";
import type { Fetch, ProgramPlan, RunInput, RunRequest } from "../protocol.ts";
import type { OutputPlaces } from "../sessions.ts";
import { SMALL_BYTES } from "../small-outputs.ts";
import type { GpuStore } from "./gpu-store.ts";
import type { GpuTransfer } from "./gpu-transfer.ts";

/** A program whose every op runs on the GPU. */
export class GpuProgram {
  /** None where all outputs are inputs. */
  readonly session: InferenceSession | undefined;
  readonly #plan: Pick<ProgramPlan, "inputs" | "outputs" | "fetches">;
  readonly #transfer: GpuTransfer;

  constructor(transfer: GpuTransfer, session: InferenceSession | undefined, { inputs, outputs, fetches }: ProgramPlan) {
    this.#transfer = transfer;
    this.session = session;
    this.#plan = { inputs, outputs, fetches };
  }

  /** Runs it and stores its outputs. Donated tensors are left to the caller to free. */
  async run(store: GpuStore, { inputs, outputs }: RunRequest): Promise<readonly (HostArray | undefined)[]> {
    const feeds: { [name: string]: Tensor } = {};
    this.#plan.inputs.forEach(({ name, spec }, i) => {
      const input = inputs[i]!;
      if (name !== undefined)
        feeds[name] = "tensor" in input ? store.get(input.tensor) : this.#transfer.wrap({ ...input, spec });
    });
    const made = await this.session?.run(feeds);
    const taken = new Set<number>();
    for (const [i, { spec, from }] of this.#plan.outputs.entries()) {
      if ("fetch" in from) {
        const tensor = made![this.#plan.fetches[from.fetch]!.name]!;
        // A tensor has one owner: a second output of the same value gets a copy.
        store.set(outputs[i]!, taken.has(from.fetch) ? await this.#transfer.copy(tensor) : tensor);
        taken.add(from.fetch);
      } else await this.#keep(store, inputs[(from as { input: number }).input]!, spec, outputs[i]!);
    }
    return outputs.map((output) => {
      const tensor = store.get(output);
      return tensor.location === "cpu" ? (tensor.data as HostArray).slice() : undefined;
    });
  }

  /** Hands out a donated input, which stays as it is. */
  async #keep(store: GpuStore, input: RunInput, spec: TensorSpec, output: number): Promise<void> {
    if ("tensor" in input) store.rename(input.tensor, output);
    else store.set(output, await this.#transfer.upload({ data: input.data, spec }));
  }
}

/** Results stay on the GPU; small ones come to the process, where someone waits for them. */
export function placesOf(fetches: readonly Fetch[]): OutputPlaces {
  return Object.fromEntries(
    fetches.map(({ name, spec }) => [name, byteSizeOf(spec) <= SMALL_BYTES ? "cpu" : "gpu-buffer"]),
  );
}
