import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { definitions } from "../definitions.ts";
import { checkCudaLibraries } from "./cuda-libraries.ts";
import { addressOf, meshOfHosts } from "./hosts.ts";

const code = (name: string): unknown => expect.objectContaining({ code: name });
const hosts = { nodes: 2, node: 1, master: "10.0.0.1:7077", secret: "sixteen letters!" };
let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "pipe-hosts-"));
});
afterAll(() => rm(folder, { recursive: true }));

describe("hosts", () => {
  it("meet where node 0 is", () => {
    expect(addressOf(hosts)).toEqual({ host: "10.0.0.1", port: 7077, secret: hosts.secret });
    expect(addressOf({ ...hosts, master: "[fe80::1]:80" })).toMatchObject({ host: "fe80::1", port: 80 });
  });

  it.each([
    { nodes: 1 },
    { node: 2 },
    { node: -1 },
    { master: "10.0.0.1" },
    { master: "a:70000" },
    { secret: "short" },
  ])("do not add up: %o", (wrong) => {
    expect(() => addressOf({ ...hosts, ...wrong })).toThrow(code("hosts-invalid"));
  });

  it("make one mesh of equal shares, without shared state", () => {
    expect(meshOfHosts(2)).toEqual({ data: 2 });
    expect(meshOfHosts(2, { data: 8 })).toEqual({ data: 8 });
    expect(() => meshOfHosts(2, { data: 3 })).toThrow(code("mesh-invalid"));
    expect(() => meshOfHosts(2, { data: 2, fsdp: true })).toThrow(code("mesh-invalid"));
  });

  it("are refused for processors, and without address or secret", async () => {
    const [definition] = definitions;
    const make = (config: object): unknown =>
      definition.create(definition.schema.parse({ kind: "xla", nodes: 2, ...config }), { has: () => false } as never);
    await expect(make({})).rejects.toMatchObject({
      code: "xla-hosts-unsupported",
      fix: expect.stringContaining("mpirun"),
    });
    await expect(make({ device: "cuda" })).rejects.toThrow(code("hosts-invalid"));
  });

  it("say which of CUDA's libraries is not there", async () => {
    checkCudaLibraries("/somewhere/pjrt_c_api_cpu_plugin.so");
    const plugin = join(folder, "jax_plugins/xla_cuda13/xla_cuda_plugin.so");
    const names = ["libcublas.so.13", "libcublasLt.so.13", "libcudnn.so.9", "libnccl.so.2"];
    await mkdir(join(folder, "nvidia/cu13/lib"), { recursive: true });
    for (const name of names.slice(0, 3)) await writeFile(join(folder, "nvidia/cu13/lib", name), "");
    // Beside the plug-in, or of the system; NCCL is in no place that a machine without GPUs would have.
    expect(() => checkCudaLibraries(plugin)).toThrow(/no libnccl\.so\.2/);
    await writeFile(join(folder, "nvidia/cu13/lib/libnccl.so.2"), "");
    checkCudaLibraries(plugin);
  });
});
