import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { PipeError } from "./error.ts";
import { Random } from "./random.ts";

describe("Random", () => {
  it("gives the same sequence on every machine", () => {
    const random = new Random(42);
    expect(Array.from({ length: 4 }, () => random.uint32())).toMatchInlineSnapshot(`
      [
        869399290,
        2185514194,
        4149930597,
        1841627844,
      ]
    `);
  });

  it("differs between seeds that differ only above 2^32", () => {
    expect(new Random(1).uint32()).not.toBe(new Random(1 + 2 ** 32).uint32());
  });

  it("goes on after capture and restore as if nothing had happened", () => {
    fc.assert(
      fc.property(fc.maxSafeInteger(), fc.nat(50), (seed, skip) => {
        const random = new Random(seed);
        for (let i = 0; i < skip; i++) random.uint32();
        const copy = Random.restore(random.capture());
        expect(Array.from({ length: 5 }, () => copy.uint32())).toEqual(
          Array.from({ length: 5 }, () => random.uint32()),
        );
      }),
    );
  });

  it("splits by name without moving, and names give different sequences", () => {
    const random = new Random(7);
    const before = random.capture();
    const [a, again, b] = [random.split("data"), random.split("data"), random.split("init")];
    expect(random.capture()).toEqual(before);
    expect(a.uint32()).toBe(again.uint32());
    expect(a.uint32()).not.toBe(b.uint32());
  });

  it("is uniform and normal in mean and variance", () => {
    const random = new Random(1);
    const n = 200_000;
    let [u, z, zz] = [0, 0, 0];
    for (let i = 0; i < n; i++) {
      u += random.uniform();
      const x = random.normal();
      z += x;
      zz += x * x;
    }
    expect(Math.abs(u / n - 0.5)).toBeLessThan(0.003);
    expect(Math.abs(z / n)).toBeLessThan(0.01);
    expect(Math.abs(zz / n - 1)).toBeLessThan(0.015);
  });

  it("draws integers below a bound without favouring any", () => {
    const random = new Random(3);
    const counts = [0, 0, 0];
    for (let i = 0; i < 30_000; i++) counts[random.integer(3)]!++;
    for (const count of counts) expect(Math.abs(count - 10_000)).toBeLessThan(400);
  });

  it.each([0.5, Number.NaN, 2 ** 53])("refuses seed %s", (seed) => {
    expect(() => new Random(seed)).toThrow(PipeError);
  });

  it.each([0, 1.5, 2 ** 33])("refuses bound %s", (bound) => {
    expect(() => new Random(0).integer(bound)).toThrow("from 1 to 2^32");
  });

  it.each([[null], [[1, 2, 3]], [[0, 0, 0, 0]], [[1, 2, 3, -1]], [["1", 2, 3, 4]]])("refuses state %j", (state) => {
    expect(() => Random.restore(state)).toThrow("not the state");
  });
});
