import type { HostArray, TensorSpec } from "@pipe/core";
import { byteSizeOf } from "@pipe/core";
import type { PjrtClient } from "./client.ts";
import { pinned } from "./native.ts";

/** Memory on the device, destroyed once; what was queued with it before goes on. */
export class DeviceBuffer {
  /** The plug-in's pointer. */
  readonly handle: bigint;
  readonly #client: PjrtClient;
  #destroyed = false;

  constructor(client: PjrtClient, handle: bigint) {
    this.#client = client;
    this.handle = handle;
  }

  /** Queues a copy to the host and resolves when it is there. @throws PipeError what the run that makes it threw. */
  async read(spec: TensorSpec): Promise<HostArray> {
    const size = byteSizeOf(spec);
    const target = pinned(size);
    const reply = this.#client.api.call("Buffer_ToHostBuffer", { src: this.handle, dst: target, dst_size: size });
    await this.#client.reads.wait(reply("event"));
    if (spec.dtype === "bool") return target.subarray(0, size);
    return new (spec.dtype === "float32" ? Float32Array : Int32Array)(target.buffer, 0, size / 4);
  }

  /** Frees it, also one that a run has consumed. */
  destroy(): void {
    if (this.#destroyed) return;
    this.#destroyed = true;
    this.#client.api.call("Buffer_Destroy", { buffer: this.handle });
  }
}
