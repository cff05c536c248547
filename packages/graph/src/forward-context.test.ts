import { expect, it } from "vitest";
import { forwardContext } from "./forward-context.ts";
import * as tf from "./tf.ts";

it("gives each use a place of its own, and a block that runs again the same places", () => {
  const context = forwardContext({ training: true, seed: tf.zeros([2], "int32") });
  const block = (name: string): number[] => context.block(name, () => [context.place(), context.place()]);
  const before = [context.place(), context.place()];
  const [a, b] = [block("h.0"), block("h.1")];
  const nested = context.block("h.0", () => [context.place(), ...block("inner"), context.place()]);
  const after = context.place();
  const all = [...before, ...a, ...b, nested[1]!, nested[2]!, after];
  expect(new Set(all).size).toBe(all.length);
  expect(block("h.0")).toEqual(a);
  expect([nested[0], nested[3]]).toEqual(a);
});
