import { PipeError, type Services, token } from "@pipe/core";
import { describe, expect, it } from "vitest";
import { ServiceContainer } from "./service-container.ts";

type Numbered = { readonly number: number };
const first = token<Numbered>("first");
const second = token<Numbered>("second");

/** A factory that asks for other services, one after the other, and gives its own name with theirs. */
const needing =
  (name: string, ...others: readonly string[]) =>
  async (services: Services): Promise<string> => {
    const parts = [];
    for (const other of others) parts.push(await services.get<string>(other));
    return [name, ...parts].join("");
  };

/** A service that notes its disposal. */
function closing(log: string[], name: string, fails = false): AsyncDisposable {
  return {
    [Symbol.asyncDispose]: async () => {
      log.push(name);
      if (fails) throw new Error(`${name} is stuck`);
    },
  };
}

describe("lifetimes", () => {
  let made = 0;
  const numbered = async (): Promise<Numbered> => {
    await Promise.resolve();
    return { number: ++made };
  };

  it("makes a singleton once, even when it is asked for twice at a time and from scopes", async () => {
    const container = new ServiceContainer().singleton(first, numbered);
    const [one, two] = await Promise.all([container.get(first), container.get(first)]);
    expect(one).toBe(two);
    expect(await container.scope().get(first)).toBe(one);
    expect(await container.scope().scope().get(first)).toBe(one);
  });

  it("makes a scoped service once a scope", async () => {
    const container = new ServiceContainer()
      .scoped(first, numbered)
      .scoped(second, async (services) => services.get(first));
    const scope = container.scope();
    expect(await scope.get(second)).toBe(await scope.get(first));
    expect(await container.scope().get(first)).not.toBe(await scope.get(first));
    expect(await scope.scope().get(first)).not.toBe(await scope.get(first));
    await expect(container.get(first)).rejects.toMatchObject({ code: "service-unscoped" });
  });

  it("makes a transient service whenever it is asked for", async () => {
    const container = new ServiceContainer().transient(first, numbered);
    expect(await container.get(first)).not.toBe(await container.get(first));
  });

  it("refuses a singleton that would hold on to a scoped service, and prints the way", async () => {
    const container = new ServiceContainer()
      .singleton("cache", needing("c", "reader"))
      .transient("reader", needing("r", "batch"))
      .scoped("batch", () => "b");
    const scope = container.scope();
    expect(await scope.get("reader")).toBe("rb");
    const way = "got: cache (singleton) → reader (transient) → batch (scoped)";
    await expect(scope.get("cache")).rejects.toThrow(way);
    await expect(container.get("reader")).rejects.toMatchObject({ code: "service-unscoped" });
  });

  it("knows what is registered, and refuses a name twice", () => {
    const container = new ServiceContainer().value("a", 1);
    expect([container.has("a"), container.scope().has("a"), container.has("b")]).toEqual([true, true, false]);
    expect(() => container.transient("a", () => 1)).toThrow("registered already");
  });
});

describe("start", () => {
  it("makes the singletons of a container, and the scoped services of a scope", async () => {
    const log: string[] = [];
    const noting = (name: string) => async () => {
      await Promise.resolve();
      log.push(name);
    };
    const container = new ServiceContainer()
      .singleton("a", noting("a"))
      .scoped("b", noting("b"))
      .transient("c", noting("c"))
      .singleton("d", noting("d"));
    expect(await container.start()).toBe(container);
    expect(log).toEqual(["a", "d"]);
    await container.scope().start();
    expect(log).toEqual(["a", "d", "b"]);
  });

  it("disposes what was made where one fails, and throws its error", async () => {
    const log: string[] = [];
    const broken = new PipeError("broken", "It is broken.");
    const container = new ServiceContainer()
      .singleton("a", () => closing(log, "a"))
      .singleton("b", () => Promise.reject(broken));
    await expect(container.start()).rejects.toBe(broken);
    expect(log).toEqual(["a"]);
    const stuck = new ServiceContainer()
      .singleton("a", () => closing(log, "a", true))
      .singleton("b", () => Promise.reject(broken));
    await expect(stuck.start()).rejects.toMatchObject({
      code: "start-failed",
      message: expect.stringMatching(/It is broken[^]*a is stuck/) as string,
      cause: { errors: [broken, expect.anything()] },
    });
  });
});

describe("disposal", () => {
  it("goes from the newest to the oldest, scopes first, and leaves alone what was borrowed or never made", async () => {
    const log: string[] = [];
    const container = new ServiceContainer()
      .value("borrowed", closing(log, "borrowed"))
      .singleton("outer", async (services) => {
        await services.get("inner");
        return closing(log, "outer");
      })
      .singleton("inner", () => ({ [Symbol.dispose]: () => void log.push("inner") }))
      .singleton("never", () => closing(log, "never"))
      .singleton("nothing", () => undefined)
      .transient("reader", () => closing(log, "reader"))
      .scoped("batch", () => closing(log, "batch"));
    const scope = container.scope();
    await scope.get("batch");
    for (const name of ["borrowed", "outer", "nothing", "reader"]) await container.get(name);
    await Promise.all([container[Symbol.asyncDispose](), container[Symbol.asyncDispose]()]);
    expect(log).toEqual(["batch", "reader", "outer", "inner"]);
    await expect(scope.get("batch")).rejects.toMatchObject({ code: "container-disposed" });
  });

  it("disposes all of them even where some fail", async () => {
    const log: string[] = [];
    const container = new ServiceContainer();
    for (const name of ["a", "b", "c"]) container.singleton(name, () => closing(log, name, name !== "a"));
    await container.start();
    const failure: unknown = await container[Symbol.asyncDispose]().catch((error: unknown) => error);
    expect(failure).toMatchObject({ code: "disposal-failed", cause: { errors: [{ message: "c is stuck" }, {}] } });
    expect((failure as PipeError).cause).toBeInstanceOf(AggregateError);
    expect(log).toEqual(["c", "b", "a"]);
  });

  it("waits for what is still being made", async () => {
    const log: string[] = [];
    const slow = async (): Promise<AsyncDisposable> => {
      await new Promise((resolve) => setTimeout(resolve, 5));
      return closing(log, "slow");
    };
    const container = new ServiceContainer().transient("slow", slow);
    const asked = container.get("slow");
    await container[Symbol.asyncDispose]();
    await asked;
    expect(log).toEqual(["slow"]);
  });

  it("disposes a service that has a second name once, where it was made, and never one that is borrowed", async () => {
    const log: string[] = [];
    const container = new ServiceContainer()
      .value("borrowed", closing(log, "borrowed"))
      .singleton("alias", (services) => services.get("borrowed"))
      .singleton("engine", () => closing(log, "engine"))
      .singleton("device", (services) => services.get("engine"))
      .scoped("view", (services) => services.get("device"));
    await container.start();
    const scope = await container.scope().start();
    await scope[Symbol.asyncDispose]();
    expect(log).toEqual([]);
    await container[Symbol.asyncDispose]();
    expect(log).toEqual(["engine"]);
  });

  it("closes a scope alone", async () => {
    const log: string[] = [];
    const container = new ServiceContainer()
      .scoped("batch", () => closing(log, "batch"))
      .singleton("engine", () => closing(log, "engine"));
    const scope = await container.scope().start();
    await scope.get("engine");
    await scope[Symbol.asyncDispose]();
    expect(log).toEqual(["batch"]);
    await container[Symbol.asyncDispose]();
    expect(log).toEqual(["batch", "engine"]);
  });
});

describe("circles", () => {
  it.each([
    ["singleton", "b → c → b"],
    ["scoped", "b → c → b"],
    ["transient", "b → c → b"],
  ] as const)("prints the path of a cycle of %s services", async (lifetime, path) => {
    const container = new ServiceContainer();
    const needs = { a: "b", b: "c", c: "b" };
    for (const [name, other] of Object.entries(needs)) container[lifetime](name, needing(name, other));
    const asked = lifetime === "scoped" ? container.scope() : container;
    await expect(asked.get("a")).rejects.toThrow(`got: ${path}`);
  });

  it("finds one that leads through other lifetimes, and of services that are asked for at the same time", async () => {
    const mixed = new ServiceContainer().singleton("a", needing("a", "b")).transient("b", needing("b", "a"));
    await expect(mixed.get("b")).rejects.toThrow("got: b → a → b");
    const container = new ServiceContainer().singleton("a", needing("a", "b")).singleton("b", needing("b", "a"));
    const results = await Promise.allSettled([container.get("a"), container.get("b")]);
    for (const result of results) {
      expect(result).toMatchObject({ status: "rejected", reason: { code: "service-cycle" } });
    }
  });

  it("takes services that are needed on two ways for no cycle, and questions after the start neither", async () => {
    const container = new ServiceContainer()
      .singleton("top", async (services) => Promise.all(["left", "right"].map(async (name) => services.get(name))))
      .singleton("left", needing("l", "bottom"))
      .singleton("right", needing("r", "bottom"))
      .singleton("bottom", async () => Promise.resolve("b"))
      .singleton("late", (services) => ({ ask: () => services.get<string>("user") }))
      .singleton("user", async (services) => {
        await services.get("late");
        return "user";
      });
    expect(await container.get("top")).toEqual(["lb", "rb"]);
    const late = await container.get<{ ask(): Promise<string> }>("late");
    expect(await late.ask()).toBe("user");
  });

  it("prints the way to an unknown name", async () => {
    const container = new ServiceContainer().singleton("a", needing("a", "b")).singleton("b", needing("b", "x"));
    await expect(container.get("a")).rejects.toThrow(/expected: a, b\n {2}got: x\n {2}where: a → b/);
    await expect(container.get("y")).rejects.toMatchObject({ code: "service-unknown" });
    await expect(new ServiceContainer().get("y")).rejects.toThrow(/expected: a service that was registered before/);
  });
});
