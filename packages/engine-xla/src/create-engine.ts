import { createHash } from "node:crypto";
import { closeSync, fstatSync, openSync, readSync } from "node:fs";
import { arch, availableParallelism, cpus } from "node:os";
import type { IEngine } from "@pipe/core";
import { PipeError } from "@pipe/core";
import { ExecutableCache } from "./executable-cache.ts";
import type { Precision } from "./lowering/lowering.ts";
import { checkCudaLibraries } from "./hosts/cuda-libraries.ts";
import { addressOf, type Hosts, meshOfHosts } from "./hosts/hosts.ts";
import { joinNodes } from "./hosts/key-value-host.ts";
import { alone, checkMesh, type Mesh } from "./mesh.ts";
import { PjrtApi } from "./pjrt/api.ts";
import { PjrtClient } from "./pjrt/client.ts";
import type { XlaFlags } from "./pjrt/compile-options.ts";
import type { CreateOptions } from "./pjrt/named-values.ts";
import { withThreads } from "./pjrt/c-library.ts";
import { XlaEngine } from "./xla-engine.ts";

/** Option of clients on a CPU. */
const CPU_DEVICES = "cpu_device_count";

/** Where and how an engine computes. */
export type XlaEngineOptions = {
  /** The plug-in's library; `installPlugin` brings one and returns its path. */
  readonly plugin: string;
  /** Which of the plug-in's devices computes, or the first of those that do; default 0. */
  readonly index?: number | undefined;
  /** Several devices that compute every program together; default one. A CPU is cut into as many as are asked for. */
  readonly mesh?: Mesh | undefined;
  /**
   * Processes on several hosts whose devices make one mesh; `mesh.data` counts the devices of all, by default one of each. Plug-ins for
   * CPUs cannot do it.
   */
  readonly hosts?: Hosts | undefined;
  /** Threads of a CPU; default all cores. */
  readonly threads?: number | undefined;
  /** Options of the plug-in's client, such as `{ memory_fraction: 0.5 }` on CUDA. */
  readonly options?: CreateOptions | undefined;
  /** Flags of XLA's compiler, such as `{ xla_gpu_autotune_level: 0 }`. */
  readonly flags?: XlaFlags | undefined;
  /**
   * Precision of matrix products in programs that ask for none: `"bf16"` rounds their factors to bfloat16, `"fp16"` to float16, and sums in
   * float32; state and all else stay float32. Default `"fp32"`.
   */
  readonly precision?: Precision | undefined;
  /** Folder of compiled programs, so that a later start loads them; default none. */
  readonly cache?: string | undefined;
};

/**
 * Starts an engine that compiles programs with XLA on a device of a PJRT plug-in.
 * @throws PipeError `xla-plugin-missing`, `xla-plugin-invalid`, `xla-plugin-old`, `xla-device-missing`,
 * `threads-invalid`, `mesh-invalid`, `koffi-configured`, `engine-failed`; with several hosts `hosts-invalid`, `store-missing`,
 * `store-refused`, `store-failed`, `xla-library-missing`, `xla-hosts-unsupported`.
 */
export async function createXlaEngine(engineOptions: XlaEngineOptions): Promise<IEngine> {
  const {
    plugin,
    index = 0,
    hosts,
    mesh = hosts === undefined ? alone : meshOfHosts(hosts.nodes, engineOptions.mesh),
    threads = availableParallelism(),
    options = {},
    flags = {},
    precision = "fp32",
    cache,
  } = engineOptions;
  if (!Number.isInteger(threads) || threads < 1) {
    throw new PipeError("threads-invalid", "The number of threads must be a positive integer.", {
      got: String(threads),
    });
  }
  checkMesh(mesh);
  const api = new PjrtApi(plugin);
  const { client, leave } =
    hosts === undefined
      ? { client: withThreads(threads, () => clientOf(api, options, index, mesh.data)), leave: undefined }
      : await clientAmong(hosts, api, { options, index, count: mesh.data / hosts.nodes });
  const isCpu = client.platform === "cpu";
  const version = api.version.join(".");
  const place = JSON.stringify([
    plugHash(plugin),
    client.deviceName,
    index,
    threads,
    mesh,
    options,
    arch(),
    cpus()[0]?.model,
  ]);
  return new XlaEngine(
    client,
    mesh,
    {
      kind: isCpu ? "cpu" : client.platform === "tpu" ? "tpu" : "gpu",
      name: isCpu ? `XLA, PJRT ${version}` : `${client.deviceName}, XLA, PJRT ${version}`,
      count: mesh.data,
      dtypes: ["float32", "int32", "bool"],
      ...(isCpu ? { threads } : {}),
    },
    {
      flags,
      precision,
      cache: cache === undefined ? undefined : new ExecutableCache(cache, place),
    },
    leave,
  );
}

/** A client that meets those of the other hosts before it is there. */
async function clientAmong(
  hosts: Hosts,
  api: PjrtApi,
  { options, index, count }: { readonly options: CreateOptions; readonly index: number; readonly count: number },
): Promise<{ readonly client: PjrtClient; readonly leave: () => Promise<void> }> {
  const address = addressOf(hosts);
  checkCudaLibraries(api.path);
  const { callbacks, close } = await joinNodes(address, hosts.node);
  try {
    return { client: new PjrtClient(api, options, index, count, { ...hosts, callbacks }), leave: close };
  } catch (error) {
    await close();
    throw error;
  }
}

/** A client on so many devices. A CPU shows one unless it is asked for more. */
function clientOf(api: PjrtApi, options: CreateOptions, index: number, count: number): PjrtClient {
  try {
    return new PjrtClient(api, options, index, count);
  } catch (error) {
    const isShort = count > 1 && options[CPU_DEVICES] === undefined && PipeError.is(error, "xla-device-missing");
    if (!isShort) throw error;
    try {
      return new PjrtClient(api, { ...options, [CPU_DEVICES]: index + count }, index, count);
    } catch {
      // Plug-ins for other devices do not know the option.
      throw error;
    }
  }
}

/** Tells one build of a plug-in from another without reading it whole: its size, its beginning and its end. */
function plugHash(path: string): string {
  const file = openSync(path, "r");
  try {
    const { size } = fstatSync(file);
    const part = Buffer.alloc(Math.min(size, 2 ** 20));
    const hash = createHash("sha256").update(String(size));
    for (const position of [0, size - part.length]) {
      readSync(file, part, 0, part.length, position);
      hash.update(part);
    }
    return hash.digest("hex");
  } finally {
    closeSync(file);
  }
}
