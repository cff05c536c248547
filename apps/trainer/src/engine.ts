import type { IEngine } from "@pipe/core";
import { ComponentFactory, ComponentRegistry } from "@pipe/di";
import { builtInModules } from "@pipe/pipeline";

/** Starts the default engine, does something with it, and stops it. */
export async function withEngine<T>(body: (engine: IEngine) => Promise<T>): Promise<T> {
  const components = new ComponentFactory(new ComponentRegistry(), builtInModules);
  const engine = await components.create("engine", { kind: "onnx" });
  try {
    return await body(engine);
  } finally {
    await engine[Symbol.asyncDispose]();
  }
}
