import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { defineComponent, PipeError, type Services, serviceTokens } from "@pipe/core";
import { ComponentFactory, ComponentRegistry } from "@pipe/di";
import { createOnnxEngine } from "@pipe/engine-onnx";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { builtInModules } from "../modules.ts";
import { chooseEngine } from "./choose-engine.ts";
import { measureEngines } from "./measure-engines.ts";
import { rememberedSpeeds, rememberSpeeds } from "./measured-speeds.ts";

let cache: string;
let services: Services;

beforeEach(async () => {
  cache = await mkdtemp(join(tmpdir(), "pipe-engine-choice-"));
  services = {
    has: (name) => name === serviceTokens.cacheFolder,
    get: (async () => cache) as Services["get"],
  };
});
afterEach(() => rm(cache, { recursive: true }));

const real = (): ComponentFactory => new ComponentFactory(new ComponentRegistry(), builtInModules);

/** Engines that are there by name: XLA stands for itself on any device, and computes with ONNX Runtime here. */
function withEngines(there: {
  readonly onnx?: boolean;
  readonly cpu?: boolean;
  readonly cuda?: boolean;
  readonly code?: string;
}) {
  const { code = "xla-plugin-missing" } = there;
  const started: string[] = [];
  const start = (name: string, isThere: boolean | undefined) => {
    if (isThere !== true) throw new PipeError(code, `${name} is not here`);
    started.push(name);
    return createOnnxEngine({ threads: 1 });
  };
  const registry = new ComponentRegistry();
  registry.add([
    defineComponent({ port: "engine", kind: "onnx", create: () => start("onnx", there.onnx) }),
    {
      port: "engine",
      kind: "xla",
      schema: { safeParse: (data: unknown) => ({ success: true, data }) } as never,
      create: ({ device }: { device: "cpu" | "cuda" }) => start(device, there[device]),
    } as never,
  ]);
  return { components: new ComponentFactory(registry), started };
}

describe("engine: auto", () => {
  it("takes a GPU where there is one", async () => {
    const { components, started } = withEngines({ onnx: true, cpu: true, cuda: true });
    const { engine, reason } = await chooseEngine(components, services);
    expect([started, reason]).toEqual([["cuda"], "xla-cuda: there is a GPU"]);
    await engine[Symbol.asyncDispose]();
  });

  it("takes what was measured as the fastest, then what is installed", async () => {
    const reasonWith = async (there: Parameters<typeof withEngines>[0], given = services): Promise<string> => {
      const { engine, reason } = await chooseEngine(withEngines(there).components, given);
      await engine[Symbol.asyncDispose]();
      return reason;
    };
    const first = "the first that is installed; `pipe bench` finds the fastest";
    expect(await reasonWith({ onnx: true, cpu: true })).toBe(`onnx: ${first}`);
    expect(await reasonWith({ cpu: true })).toBe(`xla-cpu: ${first}`);
    await rememberSpeeds(cache, [
      { name: "onnx", tokensPerSecond: 100 },
      { name: "xla-cpu", tokensPerSecond: 200 },
    ]);
    expect(await reasonWith({ onnx: true, cpu: true })).toBe(
      "xla-cpu: 200 tokens a second when it was measured here (onnx 100)",
    );
    expect(await reasonWith({ onnx: true })).toBe("onnx: 100 tokens a second when it was measured here (xla-cpu 200)");
    const none: Services = { ...services, has: () => false };
    expect(await reasonWith({ onnx: true, cpu: true }, none)).toBe(`onnx: ${first}`);
    await rememberSpeeds(cache, [{ name: "onnx", tokensPerSecond: 100 }]);
    expect(await reasonWith({ onnx: true })).toBe("onnx: 100 tokens a second when it was measured here");
  });

  it("does not hide an engine that is there and fails, and says where there is none", async () => {
    const code = (name: string): unknown => expect.objectContaining({ code: name });
    const broken = withEngines({ onnx: true, code: "engine-failed" });
    await expect(chooseEngine(broken.components, services)).rejects.toThrow(code("engine-failed"));
    await expect(chooseEngine(withEngines({}).components, services)).rejects.toThrow(code("engine-missing"));
  });

  it("is an engine like others, and says why it was taken", async () => {
    const engine = await real().create("engine", { kind: "auto" }, services);
    expect(engine.device.reason).toMatch(/^(onnx|xla-cuda): /);
    await engine[Symbol.asyncDispose]();
    await expect(real().create("engine", { kind: "auto", threads: 2 }, services)).rejects.toThrow("threads");
  });
});

describe("measureEngines", () => {
  it("trains on what is there, says what is not, and remembers it of this processor", async () => {
    const measured = await measureEngines({ components: real(), services, cacheFolder: cache, seconds: 0 });
    expect(measured.map(({ name }) => name)).toEqual(["onnx", "xla-cpu"]);
    expect(measured[0]!.tokensPerSecond).toBeGreaterThan(0);
    // No plug-in is in this cache folder.
    expect(measured[1]).toMatchObject({ problem: expect.stringContaining("not installed") });
    const [speed, ...others] = await rememberedSpeeds(cache);
    expect([speed, others]).toEqual([{ name: "onnx", tokensPerSecond: measured[0]!.tokensPerSecond }, []]);

    const path = join(cache, "engines/speeds.json");
    const other = (await readFile(path, "utf8")).replace(/"processor": "/, '"processor": "another, ');
    for (const text of [other, "{", "null", '{"speeds": 1}']) {
      await mkdir(dirname(path), { recursive: true });
      await writeFile(path, text);
      expect(await rememberedSpeeds(cache)).toEqual([]);
    }
  });
});
