import type { HostArray, TensorSpec } from "@pipe/core";
import { PipeError } from "@pipe/core";
import type { PjrtApi } from "./api.ts";
import { DeviceBuffer } from "./device-buffer.ts";
import { EventQueue } from "./event-queue.ts";
import { BUFFER_TYPE, PROGRAM_FIELDS } from "./layout.ts";
import { LoadedExecutable } from "./loaded-executable.ts";
import { type CreateOptions, namedValues } from "./named-values.ts";
import { memoryAt, pinned, pinnedText, pinnedWords, textAt } from "./native.ts";

/** What makes a client one of several, on hosts that compute together. */
export type HostsOfClient = {
  readonly nodes: number;
  readonly node: number;
  /** Addresses of C functions by which clients find each other. */
  readonly callbacks: { readonly get: bigint; readonly put: bigint; readonly tryGet: bigint };
};

/** One client of a plug-in, and the devices of it that compute. */
export class PjrtClient {
  readonly api: PjrtApi;
  /** Such as `cpu` or `cuda`. */
  readonly platform: string;
  readonly platformVersion: string;
  /** Such as `cpu` or `NVIDIA H100 80GB HBM3`. */
  readonly deviceName: string;
  /** The devices of this process that compute: their numbers among all of the plug-in. */
  readonly devices: readonly number[];
  /** The numbers of all devices that compute each program together: those, or with several hosts the devices of all of them. */
  readonly assignment: readonly number[];
  /** Which part of divided rows each device of this process has. */
  readonly places: readonly number[];
  /** Events of runs, and those of reads, which must not wait for later runs. */
  readonly runs: EventQueue;
  readonly reads: EventQueue;
  readonly #client: bigint;
  readonly #handles: readonly bigint[];

  /**
   * Starts a client on so many devices of this process, from that of an index on; with callbacks to other hosts, on as many of each.
   * @throws PipeError `engine-failed`, `xla-device-missing`, `xla-hosts-unsupported`.
   */
  constructor(api: PjrtApi, options: CreateOptions = {}, index = 0, count = 1, hosts?: HostsOfClient) {
    this.api = api;
    this.#client = clientOf(api, options, hosts);
    const client = this.#client;
    this.runs = new EventQueue(api);
    this.reads = new EventQueue(api);
    const name = api.call("Client_PlatformName", { client });
    this.platform = textAt(name("text"), name("text_size"));
    const version = api.call("Client_PlatformVersion", { client });
    this.platformVersion = textAt(version("text"), version("text_size"));
    const own = handlesOf(api, "Client_AddressableDevices", client);
    const found = own.length;
    if (index + count > found) {
      this.close();
      throw new PipeError("xla-device-missing", "The XLA plug-in has no such device.", {
        expected: count === 1 ? `an index below ${found}` : `${count} devices from index ${index} on`,
        got: count === 1 ? String(index) : `${found} devices`,
        where: api.path,
      });
    }
    this.#handles = own.slice(index, index + count);
    this.devices = this.#handles.map((device) => idOf(api, device));
    this.assignment =
      hosts === undefined ? this.devices : handlesOf(api, "Client_Devices", client).map((device) => idOf(api, device));
    this.places = this.devices.map((device) => this.assignment.indexOf(device));
    const kind = api.call("DeviceDescription_Kind", { device_description: descriptionOf(api, this.#handles[0]!) });
    this.deviceName = textAt(kind("text"), kind("text_size"));
  }

  /** Copies an array to one of the devices before it returns. */
  upload(data: HostArray, { shape, dtype }: TensorSpec, device: number): DeviceBuffer {
    const source = data.byteLength > 64 ? data : pinned(data.byteLength);
    if (source !== data) (source as Uint8Array).set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
    const reply = this.api.call("Client_BufferFromHostBuffer", {
      client: this.#client,
      data: source,
      type: BUFFER_TYPE[dtype],
      dims: pinnedWords(shape),
      num_dims: shape.length,
      // 0: the plug-in reads the array during this call only.
      host_buffer_semantics: 0,
      device: this.#handles[device]!,
    });
    this.api.call("Event_Destroy", { event: reply("done_with_host_buffer") });
    return new DeviceBuffer(this, reply("buffer"));
  }

  /** Compiles StableHLO text on a thread of its own. @throws PipeError `engine-failed` with what XLA says. */
  async compile(text: string, options: Uint8Array, outputs: number): Promise<LoadedExecutable> {
    const compileOptions = pinned(options.length);
    compileOptions.set(options);
    const reply = await this.api.callAsync("Client_Compile", {
      client: this.#client,
      program: programOf(text),
      compile_options: compileOptions,
      compile_options_size: options.length,
    });
    return new LoadedExecutable(this, reply("executable"), outputs);
  }

  /** Loads a serialised executable of this very plug-in. @throws PipeError `engine-failed`. */
  async load(serialised: Uint8Array, outputs: number): Promise<LoadedExecutable> {
    const bytes = pinned(serialised.length);
    bytes.set(serialised);
    const reply = await this.api.callAsync("Executable_DeserializeAndLoad", {
      client: this.#client,
      serialized_executable: bytes,
      serialized_executable_size: serialised.length,
    });
    return new LoadedExecutable(this, reply("loaded_executable"), outputs);
  }

  /** The most bytes that the first device has held so far, where the plug-in counts them. */
  peakBytes(): number | undefined {
    try {
      const stats = this.api.call("Device_MemoryStats", { device: this.#handles[0]! });
      // A bool: the rest of its word is not written.
      return (stats("peak_bytes_in_use_is_set") & 1n) === 0n ? undefined : Number(stats("peak_bytes_in_use"));
    } catch (error) {
      if (!PipeError.is(error, "engine-failed")) throw error;
      return undefined;
    }
  }

  /** Ends the client; its executables and buffers must be gone. */
  close(): void {
    this.api.call("Client_Destroy", { client: this.#client });
  }
}

/** StableHLO text as `PJRT_Program`. */
export function programOf(text: string): BigUint64Array {
  const [code, format] = [pinnedText(text), pinnedText("mlir")];
  return pinnedWords([8 * (2 + PROGRAM_FIELDS), 0, code.bytes, code.length, format.bytes, format.length]);
}

function handlesOf(api: PjrtApi, which: "Client_Devices" | "Client_AddressableDevices", client: bigint): bigint[] {
  const list = api.call(which, { client });
  const count = Number(list("num_devices"));
  const handles = new DataView(memoryAt(list("devices"), 8 * count).buffer);
  return Array.from({ length: count }, (_, i) => handles.getBigUint64(8 * i, true));
}

function descriptionOf(api: PjrtApi, device: bigint): bigint {
  return api.call("Device_GetDescription", { device })("device_description");
}

function idOf(api: PjrtApi, device: bigint): number {
  const id = api.call("DeviceDescription_Id", { device_description: descriptionOf(api, device) })("id");
  return Number(BigInt.asIntN(32, id));
}

/** `num_nodes` and `node_id` are options of clients that can be one of several. */
function clientOf(api: PjrtApi, options: CreateOptions, hosts: HostsOfClient | undefined): bigint {
  const { bytes, count } = namedValues(
    hosts === undefined ? options : { ...options, num_nodes: hosts.nodes, node_id: hosts.node },
  );
  const callbacks =
    hosts === undefined
      ? {}
      : {
          kv_get_callback: hosts.callbacks.get,
          kv_put_callback: hosts.callbacks.put,
          kv_try_get_callback: hosts.callbacks.tryGet,
        };
  let client: bigint;
  try {
    client = api.call("Client_Create", { create_options: bytes, num_options: count, ...callbacks })("client");
  } catch (cause) {
    if (hosts !== undefined && /option name.*(num_nodes|node_id)|Multiprocess computations/.test(String(cause))) {
      throw new PipeError("xla-hosts-unsupported", "This XLA plug-in computes on one host only.", {
        expected: "a plug-in for CUDA",
        got: (cause as Error).message.split("\n")[0]!,
        where: api.path,
        fix: "spread processors over processes with MPI: mpirun -n 2 npx pipe train …",
        cause,
      });
    }
    if (!/no visible .*device|no .*gpu|CUDA_ERROR_NO_DEVICE/i.test(String(cause))) throw cause;
    throw new PipeError("xla-device-missing", "The XLA plug-in sees no device that it could compute on.", {
      got: (cause as Error).message.split("\n")[0]!,
      where: api.path,
      fix: "use a machine with such a device and its driver, or engine: { kind: xla, device: cpu }",
      cause,
    });
  }
  // Any use of a null client would end the process.
  if (client !== 0n) return client;
  throw new PipeError("engine-failed", "The XLA plug-in made no client, and did not say why.", { where: api.path });
}
