import type { Batch } from "@pipe/core";
import { expect, it } from "vitest";
import { firstBatches } from "./first-batches.ts";
import { memoryLoader } from "./run.test.fixture.ts";

/** The first so many batches from a cursor. */
async function take(
  loader: ReturnType<typeof memoryLoader>,
  count: number,
  wanted: number,
  from?: number,
): Promise<Batch[]> {
  const taken: Batch[] = [];
  for await (const batch of firstBatches(loader, count).batches(from)) if (taken.push(batch) === wanted) break;
  return taken;
}

it("gives the first batches again and again, and goes on from a cursor", async () => {
  const loader = memoryLoader();
  const six = await take(loader, 2, 6);
  expect(six.map(({ arrays }) => arrays)).toEqual([0, 1, 0, 1, 0, 1].map((i) => six[i]!.arrays));
  expect(six[0]!.arrays).not.toEqual(six[1]!.arrays);
  expect(await take(loader, 2, 3, six[2]!.cursor as number)).toEqual(six.slice(3));
  // An epoch is a pass over these two, wherever one goes on.
  expect(six.map(({ epoch }) => epoch)).toEqual([0, 1, 1, 2, 2, 3]);
  expect((await take(loader, 2, 1, six[2]!.cursor as number))[0]!.epoch).toBe(2);
  // Nothing is left open, and a loader with fewer batches gives those that it has.
  expect(loader.open).toBe(0);
  expect((await take(memoryLoader({ rows: 8, batch: 4, repeat: false }), 5, 5)).map(({ cursor }) => cursor)).toEqual([
    1, 2, 3, 4, 5,
  ]);
});
