import type { IEngine, Services } from "@pipe/core";
import { PipeError, serviceTokens } from "@pipe/core";
import { ComponentFactory, ComponentRegistry } from "@pipe/di";
import { cacheFolder } from "@pipe/engine-xla/plugins";
import { openRun } from "@pipe/persist";
import { builtInModules, type EngineChoice } from "@pipe/pipeline";
import type { Host } from "./host.ts";

const DEFAULT: EngineChoice = { kind: "onnx" };

/** Starts an engine, by default ONNX Runtime, does something with it, and stops it. */
export async function withEngine<T>(
  host: Pick<Host, "env">,
  choice: EngineChoice | undefined,
  body: (engine: IEngine) => Promise<T>,
): Promise<T> {
  const engine = await openEngine(host, choice);
  try {
    return await body(engine);
  } finally {
    await engine[Symbol.asyncDispose]();
  }
}

/** Starts an engine, by default ONNX Runtime; the caller stops it. */
export function openEngine(host: Pick<Host, "env">, choice: EngineChoice | undefined): Promise<IEngine> {
  const components = new ComponentFactory(new ComponentRegistry(), builtInModules);
  return components.create("engine", choice ?? DEFAULT, servicesOf(host));
}

/** The engine that a flag asks for, else the one that a run was trained on. */
export async function engineFor(run: string, flag: string | undefined): Promise<EngineChoice | undefined> {
  if (flag !== undefined) return { kind: flag };
  try {
    return ((await openRun(run)).info.config as { readonly engine?: EngineChoice }).engine;
  } catch (error) {
    // Weights without a run, such as a folder of transformers.
    if (PipeError.is(error)) return undefined;
    throw error;
  }
}

/** What an engine may ask the command for. */
export function servicesOf(host: Pick<Host, "env">): Services {
  const folder = cacheFolder(host.env);
  return {
    has: (name) => name === serviceTokens.cacheFolder,
    get: (async () => folder) as Services["get"],
  };
}
