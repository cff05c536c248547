import type { DType, HostArray, HostTensor } from "@pipe/core";
import type { InferenceSession, Tensor } from "onnxruntime-node";
import type { Runtime, Sessions } from "../sessions.ts";
import { SMALL_BYTES } from "../small-outputs.ts";
import { identityModel } from "./identity-model.ts";

/**
 * Moves tensors between the process and the GPU by running a program that hands its input out. ONNX Runtime ends the process
 * where the elements of a tensor on the GPU are asked for in another way.
 */
export class GpuTransfer {
  readonly #runtime: Runtime;
  readonly #sessions: Sessions;
  readonly #known = new Map<string, Promise<InferenceSession>>();

  constructor(runtime: Runtime, sessions: Sessions) {
    this.#runtime = runtime;
    this.#sessions = sessions;
  }

  /** A tensor in the memory of the process, over the same array. */
  wrap({ data, spec: { dtype, shape } }: HostTensor): Tensor {
    return new this.#runtime.Tensor(dtype as "float32", data as Float32Array, shape);
  }

  /** A tensor on the GPU; a small one stays where it is, as it goes along with a run faster. */
  async upload(tensor: HostTensor): Promise<Tensor> {
    const wrapped = this.wrap(tensor);
    return tensor.data.byteLength <= SMALL_BYTES ? wrapped : this.#pass(wrapped, "gpu-buffer");
  }

  /** The elements of a tensor, in memory of their own. */
  async download(tensor: Tensor): Promise<HostArray> {
    const { data } = tensor.location === "cpu" ? tensor : await this.#pass(tensor, "cpu");
    return (data as HostArray).slice();
  }

  /** A copy where the original is. */
  async copy(tensor: Tensor): Promise<Tensor> {
    return this.#pass(tensor, tensor.location as "cpu" | "gpu-buffer");
  }

  /** Frees its programs. */
  async close(): Promise<void> {
    for (const session of this.#known.values()) await this.#sessions.release(await session);
    this.#known.clear();
  }

  async #pass(x: Tensor, place: "cpu" | "gpu-buffer"): Promise<Tensor> {
    const { model, output } = identityModel(x.type as DType);
    const key = `${x.type} to ${place}`;
    let session = this.#known.get(key);
    if (session === undefined) {
      session = this.#sessions.create(model, key.replaceAll(" ", "-"), { [output]: place });
      this.#known.set(key, session);
    }
    return (await (await session).run({ x }))[output]!;
  }
}
