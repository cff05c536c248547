import { eventBusContract } from "@pipe/core/testing";
import { describe, expect, it } from "vitest";
import { EventBus } from "./event-bus.ts";

const epoch = { epoch: 0, step: 10 };

describe("EventBus", () => {
  eventBusContract(() => new EventBus(), { describe, it, expect });

  it("names the event whose listener threw, whatever it threw", () => {
    const bus = new EventBus();
    const warnings: unknown[] = [];
    bus.on("warning", (warning) => warnings.push(warning));
    bus.on("epoch-ended", () => {
      throw "just a text";
    });
    bus.emit("epoch-ended", epoch);
    expect(warnings).toEqual([{ source: "listener of epoch-ended", message: "just a text" }]);
  });

  it("turns a rejected promise of a listener into a warning, too", async () => {
    const bus = new EventBus();
    const warned = new Promise((resolve) => bus.on("warning", resolve));
    bus.on("epoch-ended", async () => {
      await Promise.reject(new Error("too late"));
    });
    bus.emit("epoch-ended", epoch);
    expect(await warned).toEqual({ source: "listener of epoch-ended", message: "too late" });
  });

  it("tells the listeners of warnings that work about one that does not, once each", () => {
    const bus = new EventBus();
    const heard: string[] = [];
    for (const name of ["a", "b"]) {
      bus.on("warning", () => {
        throw new Error(`${name} is broken`);
      });
    }
    bus.on("warning", ({ message }) => heard.push(message));
    bus.emit("warning", { source: "test", message: "low disk" });
    expect(heard).toEqual(["a is broken", "b is broken", "low disk"]);
  });

  it("lets a listener that joins during an emit hear the next one only", () => {
    const bus = new EventBus();
    let calls = 0;
    const joined = bus.on("epoch-ended", () => {
      joined[Symbol.dispose]();
      bus.on("epoch-ended", () => calls++);
    });
    bus.emit("epoch-ended", epoch);
    expect(calls).toBe(0);
    bus.emit("epoch-ended", epoch);
    expect(calls).toBe(1);
  });
});
