import type { HostArray, TensorSpec } from "@pipe/core";
import { byteSizeOf, hostArray } from "@pipe/core";
import { type Mesh, partOf } from "../mesh.ts";
import type { PjrtClient } from "./client.ts";
import type { DeviceBuffer } from "./device-buffer.ts";

/** A tensor on the devices of a mesh: one buffer each, of a part of its rows or of all of it. */
export class DeviceArray {
  readonly buffers: readonly DeviceBuffer[];
  readonly isSplit: boolean;
  /** What each buffer holds. */
  readonly part: TensorSpec;
  readonly #spec: TensorSpec;

  constructor(buffers: readonly DeviceBuffer[], spec: TensorSpec, mesh: Mesh, isSplit: boolean) {
    this.buffers = buffers;
    this.isSplit = isSplit;
    this.#spec = spec;
    this.part = isSplit ? partOf(mesh, spec) : spec;
  }

  /** Copies an array to the devices before it returns. */
  static upload(client: PjrtClient, data: HostArray, spec: TensorSpec, mesh: Mesh, isSplit: boolean): DeviceArray {
    const size = data.length / mesh.data;
    const buffers = client.places.map((place, i) =>
      isSplit
        ? client.upload(data.subarray(place * size, (place + 1) * size), partOf(mesh, spec), i)
        : client.upload(data, spec, i),
    );
    return new DeviceArray(buffers, spec, mesh, isSplit);
  }

  /** Bytes on each device. */
  get deviceBytes(): number {
    return byteSizeOf(this.part);
  }

  /** Queues copies to the host and resolves when all rows are there. */
  async read(): Promise<HostArray> {
    if (!this.isSplit) return this.buffers[0]!.read(this.#spec);
    const parts = await Promise.all(this.buffers.map((buffer) => buffer.read(this.part)));
    const whole = hostArray(this.#spec);
    parts.forEach((rows, i) => whole.set(rows, i * rows.length));
    return whole;
  }

  /** Frees its buffers. */
  destroy(): void {
    for (const buffer of this.buffers) buffer.destroy();
  }
}
