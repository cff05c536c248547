import { appendFile, mkdtemp, rename, rm, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { logOf, report, runEvents } from "../run.test.fixture.ts";
import { EventTail } from "./event-tail.ts";

let folder: string;
let path: string;
let tail: EventTail;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "pipe-tail-"));
  path = join(folder, "events.jsonl");
  tail = new EventTail(path);
});
afterEach(async () => {
  await tail[Symbol.asyncDispose]();
  await rm(folder, { recursive: true });
});

const step = (n: number): string => logOf([{ event: "step-ended", time: n, ...report(n) }]);

async function poll(): Promise<{ steps: unknown[]; reset: boolean }> {
  const { events, reset } = await tail.poll();
  return { steps: events.map(({ event }) => ("step" in event ? event.step : event.event)), reset };
}

it("waits for a file, and reads what is appended, whole lines only", async () => {
  expect(await poll()).toEqual({ steps: [], reset: false });
  await writeFile(path, step(1));
  expect(await poll()).toEqual({ steps: [1], reset: false });
  const [half, otherHalf] = [step(2).slice(0, 40), step(2).slice(40)];
  await appendFile(path, half);
  expect(await poll()).toEqual({ steps: [], reset: false });
  await appendFile(path, `${otherHalf}${step(3)}`);
  expect(await poll()).toEqual({ steps: [2, 3], reset: false });
  expect(await poll()).toEqual({ steps: [], reset: false });
});

it("tells where each line ends, in bytes", async () => {
  const lines = ["é".repeat(9), "plain"].map((message) => logOf([{ event: "warning", time: 1, source: "x", message }]));
  await writeFile(path, lines.join(""));
  const { events } = await tail.poll();
  expect(events.map(({ end }) => end)).toEqual([Buffer.byteLength(lines[0]!), Buffer.byteLength(lines.join(""))]);
});

it("reads a long log piece by piece, also where a piece ends within a line or a letter", async () => {
  const events = Array.from({ length: 9000 }, (_, i) => ({
    event: "warning",
    time: i,
    source: "é",
    message: "ü".repeat(i % 50),
  }));
  await writeFile(path, logOf(events));
  const read: unknown[] = [];
  let polls = 0;
  for (let more = true; more; polls++) {
    const polled = await tail.poll();
    ({ more } = polled);
    read.push(...polled.events.map(({ event }) => event));
  }
  expect(read).toEqual(events);
  expect(polls).toBeGreaterThan(3);
});

it("begins again when another file takes its place, as when a run goes on from an earlier step", async () => {
  await writeFile(path, step(1) + step(2) + step(3));
  expect((await poll()).steps).toEqual([1, 2, 3]);
  const before = tail.generation;
  await writeFile(join(folder, "kept"), step(1) + step(2));
  await rename(join(folder, "kept"), path);
  await appendFile(path, step(3) + step(4));
  expect(await poll()).toEqual({ steps: [1, 2, 3, 4], reset: true });
  expect(tail.generation).not.toBe(before);
});

it("begins again when the file was shortened in place, and keeps what it has when it is removed", async () => {
  await writeFile(path, step(1) + step(2));
  await poll();
  const before = tail.generation;
  await truncate(path, step(1).length);
  expect(await poll()).toEqual({ steps: [1], reset: true });
  expect(tail.generation).not.toBe(before);
  await rm(path);
  expect(await poll()).toEqual({ steps: [], reset: false });
  await writeFile(path, step(7));
  expect(await poll()).toEqual({ steps: [7], reset: true });
});

it("turns a line that is no event into a warning", async () => {
  await writeFile(path, `{"event":5}\n${logOf(runEvents(1))}`);
  expect((await poll()).steps).toEqual(["warning", 0, 1, 1]);
});
