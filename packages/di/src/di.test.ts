import type { ComponentDefinition, Services } from "@pipe/core";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { ComponentFactory, type DefinitionModule } from "./component-factory.ts";
import { ComponentRegistry } from "./component-registry.ts";
import { ServiceContainer } from "./service-container.ts";

describe("ServiceContainer", () => {
  it("makes each service once, even when it is asked for twice at a time", async () => {
    let made = 0;
    const container = new ServiceContainer().register("a", async () => {
      await Promise.resolve();
      return { number: ++made };
    });
    const [first, second] = await Promise.all([container.get("a"), container.get("a")]);
    expect(first).toBe(second);
    expect(made).toBe(1);
  });

  it("gives services what they need, and disposes them in the reverse order", async () => {
    const log: string[] = [];
    const closing = (name: string, symbol: symbol): object => ({ [symbol]: () => void log.push(name) });
    const container = new ServiceContainer()
      .value("root", closing("root", Symbol.dispose))
      .register("b", async (services: Services) => {
        expect(services.has("root")).toBe(true);
        await services.get("a");
        return closing("b", Symbol.asyncDispose);
      })
      .register("a", async (services: Services) => {
        await services.get("root");
        return closing("a", Symbol.dispose);
      })
      .register("text", () => "plain")
      .register("never", () => closing("never", Symbol.dispose));
    await container.get("b");
    expect(await container.get("text")).toBe("plain");
    await container[Symbol.asyncDispose]();
    expect(log).toEqual(["b", "a"]);
    expect(container.has("a")).toBe(false);
  });

  it("disposes all of them even where some fail", async () => {
    const log: string[] = [];
    const container = new ServiceContainer();
    for (const name of ["a", "b", "c"]) {
      container.register(name, () => ({
        [Symbol.dispose]: () => {
          log.push(name);
          if (name !== "a") throw new Error(`${name} is stuck`);
        },
      }));
      await container.get(name);
    }
    await expect(container[Symbol.asyncDispose]()).rejects.toThrow(/2 services[^]*c is stuck[^]*b is stuck/);
    expect(log).toEqual(["c", "b", "a"]);
  });

  it("disposes the others when one of them is nothing", async () => {
    const log: string[] = [];
    const container = new ServiceContainer()
      .register("a", () => ({ [Symbol.dispose]: () => void log.push("a") }))
      .register("nothing", () => undefined);
    await container.get("a");
    expect(await container.get("nothing")).toBe(undefined);
    await container[Symbol.asyncDispose]();
    expect(log).toEqual(["a"]);
  });

  it("finds a cycle of services that are asked for at the same time", async () => {
    const container = new ServiceContainer();
    for (const [name, next] of [
      ["a", "b"],
      ["b", "a"],
    ] as const) {
      container.register(name, async (services) => {
        await Promise.resolve();
        return services.get(next);
      });
    }
    const results = await Promise.allSettled([container.get("a"), container.get("b")]);
    for (const result of results) {
      expect(result).toMatchObject({
        status: "rejected",
        reason: { message: expect.stringContaining("a → b → a") as string },
      });
    }
  });

  it("takes services that are needed on two ways for no cycle", async () => {
    const container = new ServiceContainer()
      .register("top", async (services) => Promise.all(["left", "right"].map(async (name) => services.get(name))))
      .register("left", async (services) => services.get("bottom"))
      .register("right", async (services) => services.get("bottom"))
      .register("bottom", async () => Promise.resolve(3));
    expect(await container.get("top")).toEqual([3, 3]);
  });

  it("prints the path of a cycle and of an unknown name", async () => {
    const container = new ServiceContainer();
    for (const [name, next] of [
      ["a", "b"],
      ["b", "c"],
      ["c", "b"],
      ["d", "x"],
    ] as const) {
      container.register(name, (services) => services.get(next));
    }
    await expect(container.get("a")).rejects.toThrow("got: b → c → b");
    await expect(container.get("d")).rejects.toThrow(/expected: a, b, c, d\n {2}got: x\n {2}where: d/);
    await expect(container.get("y")).rejects.toMatchObject({ code: "service-unknown" });
    expect(() => container.register("a", () => 1)).toThrow("registered already");
  });
});

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
