import type { EventMap, IEventBus } from "../interfaces/events.ts";
import type { TestFramework } from "./framework.ts";

/**
 * Registers what every {@link IEventBus} must do.
 *
 * @param make a bus without listeners.
 */
export function eventBusContract(make: () => IEventBus, { describe, it, expect }: TestFramework): void {
  const epoch = { epoch: 1, step: 20 };
  const broken = (): never => {
    throw new Error("broken listener");
  };

  describe("IEventBus", () => {
    it("calls the listeners of an event in order, with its data, before emit returns", () => {
      const bus = make();
      const heard: [string, unknown][] = [];
      bus.on("epoch-ended", (data) => heard.push(["first", data]));
      bus.on("epoch-ended", (data) => heard.push(["second", data]));
      bus.on("epoch-started", (data) => heard.push(["other event", data]));
      bus.emit("epoch-ended", epoch);
      expect(heard).toEqual([
        ["first", epoch],
        ["second", epoch],
      ]);
    });

    it("emits to nobody without complaint", () => {
      const bus = make();
      bus.emit("epoch-ended", epoch);
      const heard: unknown[] = [];
      bus.on("epoch-ended", (data) => heard.push(data));
      expect(heard).toEqual([]);
    });

    it("ends just the subscription that is disposed, and lets it be disposed again", () => {
      const bus = make();
      let calls = 0;
      const listener = (): void => void calls++;
      const first = bus.on("epoch-ended", listener);
      bus.on("epoch-ended", listener);
      bus.emit("epoch-ended", epoch);
      expect(calls).toBe(2);
      first[Symbol.dispose]();
      first[Symbol.dispose]();
      bus.emit("epoch-ended", epoch);
      expect(calls).toBe(3);
    });

    it("lets a listener end itself and a later one while the event is handed out", () => {
      const bus = make();
      const heard: string[] = [];
      const own = bus.on("epoch-ended", () => {
        heard.push("own");
        own[Symbol.dispose]();
        later[Symbol.dispose]();
      });
      bus.on("epoch-ended", () => heard.push("stays"));
      const later = bus.on("epoch-ended", () => heard.push("later"));
      bus.emit("epoch-ended", epoch);
      bus.emit("epoch-ended", epoch);
      expect(heard).toEqual(["own", "stays", "stays"]);
    });

    it("turns a listener that throws into a warning with a source, and goes on to the next", () => {
      const bus = make();
      const warnings: EventMap["warning"][] = [];
      const heard: unknown[] = [];
      bus.on("warning", (warning) => warnings.push(warning));
      bus.on("epoch-ended", broken);
      bus.on("epoch-ended", (data) => heard.push(data));
      bus.emit("epoch-ended", epoch);
      expect(heard).toEqual([epoch]);
      expect(warnings.length).toBe(1);
      expect(warnings[0]!.message).toMatch(/broken listener/);
      expect(warnings[0]!.source === "").toBe(false);
    });

    it("does not recurse into a listener of warnings that throws", () => {
      const bus = make();
      let calls = 0;
      const messages: string[] = [];
      bus.on("warning", () => {
        calls++;
        broken();
      });
      bus.on("warning", ({ message }) => messages.push(message));
      bus.emit("warning", { message: "low disk", source: "test" });
      expect(calls).toBe(1);
      expect(messages.filter((message) => message === "low disk").length).toBe(1);
    });

    it("survives a step and a warning whose listeners all throw", () => {
      const bus = make();
      let calls = 0;
      const count = (): never => {
        calls++;
        return broken();
      };
      bus.on("epoch-ended", count);
      bus.on("warning", count);
      bus.emit("epoch-ended", epoch);
      expect(calls).toBe(2);
    });
  });
}
