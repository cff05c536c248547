import type { DistributedContext } from "@pipe/train";
import { singleProcess } from "@pipe/train";
import { describe, expect, it } from "vitest";
import { mainFirst } from "./main-first.ts";

/** Two processes in this one. */
function pair(): readonly [DistributedContext, DistributedContext] {
  let waiting: { readonly values: Float32Array; readonly resolve: () => void } | undefined;
  const sum = (values: Float32Array): Promise<void> =>
    new Promise((resolve) => {
      if (waiting === undefined) {
        waiting = { values, resolve };
        return;
      }
      const other = waiting;
      waiting = undefined;
      values.forEach((value, i) => (values[i] = value + other.values[i]!));
      other.values.set(values);
      other.resolve();
      resolve();
    });
  const of = (rank: number): DistributedContext => ({ ...singleProcess, rank, world: 2, isMain: rank === 0, sum });
  return [of(0), of(1)];
}

describe("mainFirst", () => {
  it("lets the main process make it before the others", async () => {
    const [main, other] = pair();
    const order: string[] = [];
    const make = (name: string) => async (): Promise<string> => {
      order.push(name);
      return name;
    };
    expect(await Promise.all([mainFirst(other, make("other")), mainFirst(main, make("main"))])).toEqual([
      "other",
      "main",
    ]);
    expect(order).toEqual(["main", "other"]);
    expect(await mainFirst(singleProcess, make("alone"))).toBe("alone");
  });

  it("ends the others where the main process cannot", async () => {
    const [main, other] = pair();
    const results = await Promise.allSettled([
      mainFirst(main, () => Promise.reject(new Error("no text"))),
      mainFirst(other, () => Promise.resolve("never")),
    ]);
    expect(results.map((result) => (result as PromiseRejectedResult).reason as unknown)).toEqual([
      expect.objectContaining({ message: "no text" }),
      expect.objectContaining({ code: "peer-failed" }),
    ]);
  });
});
