import type { IStateful, Json } from "@pipe/core";
import { expect, it } from "vitest";
import { StateManager } from "./state-manager.ts";

class Counter implements IStateful {
  readonly key: string;
  value: Json = 0;
  constructor(key: string, value: Json = 0) {
    this.key = key;
    this.value = value;
  }
  capture(): Json {
    return this.value;
  }
  restore(value: Json): void {
    this.value = value;
  }
}

it("gathers states by key and gives each part its own back", () => {
  const captured = new StateManager([new Counter("a", 1), new Counter("b", [2])]).capture();
  expect(captured).toEqual({ a: 1, b: [2] });
  const parts = [new Counter("b"), new Counter("a")];
  new StateManager(parts).restore({ step: 500, ...captured });
  expect(parts.map(({ value }) => value)).toEqual([[2], 1]);
});

it("touches no part when the keys differ, and names them", () => {
  const part = new Counter("a", 7);
  const manager = new StateManager([part]);
  expect(() => manager.restore({ b: 1 })).toThrow(/no state for a.*nothing takes the state of b/);
  expect(() => manager.restore({})).toThrow("got: nothing");
  expect(() => manager.restore({ a: 1, c: 1 })).toThrow("nothing takes the state of c");
  for (const value of [null, 3, [1]]) expect(() => manager.restore(value)).toThrow("does not belong to this run");
  expect(part.value).toBe(7);
});

it("refuses keys that are taken", () => {
  expect(() => new StateManager([new Counter("a"), new Counter("a")])).toThrow("got: a");
  for (const key of ["step", "parameters"]) expect(() => new StateManager([new Counter(key)])).toThrow(`got: ${key}`);
});

it("passes over optional keys that one side lacks, and puts those back that both have", () => {
  const parts = [new Counter("a", 1), new Counter("b", 2), new Counter("c", 3)];
  const manager = new StateManager(parts, { optional: ["b", "c", "d"] });
  manager.restore({ a: 10, c: 30, d: 40 });
  expect(parts.map(({ value }) => value)).toEqual([10, 2, 30]);
  expect(() => manager.restore({ c: 1 })).toThrow("no state for a");
});
