import { appendFile, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { newestEvents } from "./newest-events.ts";
import { logOf, report, runEvents } from "./run.test.fixture.ts";

let folder: string;
let path: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "pipe-newest-"));
  path = join(folder, "events.jsonl");
});
afterEach(() => rm(folder, { recursive: true }));

it("tells the newest step and evaluation, how the run ended, and when", async () => {
  await writeFile(path, logOf(runEvents(25)));
  expect(await newestEvents(path)).toEqual({
    step: expect.objectContaining({ step: 25 }),
    evaluation: expect.objectContaining({ step: 20 }),
    ended: "completed",
    time: 1000 + 25 * 100 + 2 * 1000,
  });
});

it("does not say that a run has ended which was started again", async () => {
  const again = runEvents(30, { from: 25, begin: 9000 });
  await writeFile(path, logOf([...runEvents(25), ...again.slice(0, 2)]));
  const { step, ended, time } = await newestEvents(path);
  expect([step!.step, ended, time]).toEqual([26, undefined, 9100]);
});

it("looks back as far as it must, or as far as it is allowed to", async () => {
  const steps = Array.from({ length: 3000 }, (_, i) => ({ event: "step-ended", time: 1, ...report(i + 11) }));
  await writeFile(path, logOf([...runEvents(10), ...steps]));
  expect((await newestEvents(path)).evaluation!.step).toBe(10);
  const near = await newestEvents(path, { reach: 1 << 16 });
  expect([near.step!.step, near.evaluation]).toEqual([3010, undefined]);
});

it("passes over a torn last line, and finds nothing in an empty log", async () => {
  await writeFile(path, "");
  expect(await newestEvents(path)).toEqual({});
  await writeFile(path, '{"event":"step-en');
  expect(await newestEvents(path)).toEqual({});
  await writeFile(path, logOf([{ event: "step-ended", time: 5, ...report(1) }]));
  await appendFile(path, '{"event":"step-en');
  expect((await newestEvents(path)).step!.step).toBe(1);
});

it("refuses a damaged log, and says which file is missing", async () => {
  await writeFile(path, `damaged\n${logOf([{ event: "step-ended", time: 5, ...report(1) }])}`);
  await expect(newestEvents(path)).rejects.toMatchObject({ code: "events-damaged" });
  await expect(newestEvents(join(folder, "none"))).rejects.toThrow(/cannot be read[^]*none/);
});
