import { type ComponentDefinition, type IMetric, token } from "@pipe/core";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { ComponentFactory, type DefinitionModule } from "./component-factory.ts";
import { ComponentRegistry } from "./component-registry.ts";
import { ServiceContainer } from "./service-container.ts";

const definition = (port: "metric" | "model", kind: string): ComponentDefinition => ({
  port,
  kind,
  schema: z.strictObject({ kind: z.literal(kind), size: z.number().default(1) }),
  create: (config) => ({ made: config }),
});

describe("ComponentRegistry", () => {
  it("finds definitions by port and kind, and refuses two of the same", () => {
    const registry = new ComponentRegistry().add([definition("metric", "a"), definition("model", "a")]);
    expect(registry.find("metric", "a")!.port).toBe("metric");
    expect(registry.find("metric", "b")).toBe(undefined);
    expect(registry.kinds("model")).toEqual(["a"]);
    expect(() => registry.add([definition("model", "a")])).toThrow("got: model a");
  });
});

describe("ComponentFactory", () => {
  const modules = (load: DefinitionModule["load"]): readonly DefinitionModule[] => [
    { package: "metric-pack", port: "metric", kinds: ["b", "c"], load },
  ];

  it("binds a configuration as a service", async () => {
    const factory = new ComponentFactory(new ComponentRegistry().add([definition("metric", "a")]));
    const metric = token<IMetric>("metric");
    const container = new ServiceContainer().singleton(metric, factory.bind("metric", { kind: "a" }));
    expect(await container.get(metric)).toEqual({ made: { kind: "a", size: 1 } });
  });

  it("imports a module once, when one of its kinds is first named", async () => {
    let loads = 0;
    const load = async (): Promise<{ definitions: readonly ComponentDefinition[] }> => {
      loads++;
      return { definitions: [definition("metric", "b"), definition("metric", "c")] };
    };
    const factory = new ComponentFactory(new ComponentRegistry().add([definition("metric", "a")]), modules(load));
    expect(await factory.create("metric", { kind: "a" })).toEqual({ made: { kind: "a", size: 1 } });
    expect(loads).toBe(0);
    await factory.create("metric", { kind: "b" });
    await factory.create("metric", { kind: "c" });
    expect(loads).toBe(1);
    await expect(factory.create("metric", { kind: "d" })).rejects.toThrow("expected: a, b, c");
    await expect(factory.create("metric", { kind: "a", size: "x" } as { kind: string })).rejects.toThrow("metric.size");
  });

  it("imports a module once when its kinds are named at the same time, and tries again where that failed", async () => {
    let loads = 0;
    const load = async (): Promise<{ definitions: readonly ComponentDefinition[] }> => {
      if (++loads === 1) throw new Error("not yet");
      return { definitions: [definition("metric", "b"), definition("metric", "c")] };
    };
    const factory = new ComponentFactory(new ComponentRegistry(), modules(load));
    await expect(factory.load("metric", "b")).rejects.toThrow("not yet");
    await Promise.all(["b", "c", "b"].map(async (kind) => factory.load("metric", kind)));
    expect(loads).toBe(2);
  });

  it("says how to install what is missing, and passes other errors on", async () => {
    const missing = Object.assign(new Error("Cannot find package"), { code: "ERR_MODULE_NOT_FOUND" });
    const factory = new ComponentFactory(
      new ComponentRegistry(),
      modules(() => Promise.reject(missing)),
    );
    await expect(factory.create("metric", { kind: "b" })).rejects.toThrow("fix: npm install metric-pack");
    const broken = new ComponentFactory(
      new ComponentRegistry(),
      modules(() => Promise.reject(new Error("broken"))),
    );
    await expect(broken.load("metric", "b")).rejects.toThrow("broken");
    const empty = new ComponentFactory(
      new ComponentRegistry(),
      modules(() => Promise.resolve({ definitions: [] })),
    );
    await empty.load("metric", "b");
    await empty.load("metric", "b");
    await expect(empty.create("metric", { kind: "b" })).rejects.toMatchObject({ code: "component-unknown" });
  });
});
