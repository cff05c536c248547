import { existsSync } from "node:fs";
import { appendFile, mkdtemp, readdir, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type EventMap, PipeError } from "@pipe/core";
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { cutEvents } from "./cut-events.ts";
import { EventBus } from "./event-bus.ts";
import type { LoggedEvent } from "./event-lines.ts";
import { EventLog } from "./event-log.ts";
import { readEvents } from "./read-events.ts";

let run: string;
let path: string;
beforeEach(async () => {
  run = await mkdtemp(join(tmpdir(), "pipe-events-"));
  path = join(run, "events.jsonl");
});
afterEach(() => rm(run, { recursive: true }));

const report = (step: number, loss = 2): EventMap["step-ended"] => ({
  ...{ step, applied: step, tokens: 64 * step, epoch: 0, loss, rate: 1e-3, norm: 1, accepted: true, batchTokens: 64 },
});

async function record(emit: (bus: EventBus) => void, file = path): Promise<void> {
  let time = 1000;
  const bus = new EventBus();
  const log = await EventLog.open({ path: file, now: () => time++ });
  log.attach(bus);
  emit(bus);
  await log[Symbol.asyncDispose]();
}

async function read(file = path): Promise<LoggedEvent[]> {
  const events: LoggedEvent[] = [];
  for await (const event of readEvents(file)) events.push(event);
  return events;
}

async function failure(action: Promise<unknown>): Promise<PipeError> {
  const error: unknown = await action.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  expect(error).toBeInstanceOf(PipeError);
  return error as PipeError;
}

describe("EventLog", () => {
  it("appends an object a line, the event and the time first", async () => {
    await record((bus) => bus.emit("epoch-started", { epoch: 0, step: 0 }));
    await record((bus) => bus.emit("warning", { source: "test", message: "two\nlines" }));
    expect(await readFile(path, "utf8")).toBe(
      '{"event":"epoch-started","time":1000,"epoch":0,"step":0}\n' +
        '{"event":"warning","time":1000,"source":"test","message":"two\\nlines"}\n',
    );
  });

  it("gives back every event that happened, in order", async () => {
    const step = fc.nat().map((n) => ({ event: "step-ended" as const, data: report(n) }));
    const sample = fc.string({ unit: "binary" }).map((text) => ({
      event: "sample-generated" as const,
      data: { step: 1, prompt: "\u2028 and \u2029", text },
    }));
    await fc.assert(
      fc.asyncProperty(fc.array(fc.oneof(step, sample), { maxLength: 50 }), async (events) => {
        await rm(path, { force: true });
        await record((bus) => {
          for (const { event, data } of events) bus.emit(event, data as never);
        });
        expect(await read()).toEqual(events.map(({ event, data }, index) => ({ event, time: 1000 + index, ...data })));
      }),
      { numRuns: 25 },
    );
  });

  it("writes NaN and infinities as null, which are read as NaN", async () => {
    await record((bus) => bus.emit("step-skipped", { step: 3, loss: Number.NaN, norm: Infinity }));
    expect(await readFile(path, "utf8")).toBe(
      '{"event":"step-skipped","time":1000,"step":3,"loss":null,"norm":null}\n',
    );
    expect(await read()).toEqual([{ event: "step-skipped", time: 1000, step: 3, loss: Number.NaN, norm: Number.NaN }]);
  });

  it("has everything on the disk after a flush, and records no more after its end", async () => {
    const bus = new EventBus();
    const log = await EventLog.open({ path, now: () => 5 });
    const attached = log.attach(bus);
    for (let step = 1; step <= 1000; step++) bus.emit("step-ended", report(step));
    await log.flush();
    expect((await read()).length).toBe(1000);
    attached[Symbol.dispose]();
    bus.emit("step-ended", report(1001));
    log.attach(bus);
    bus.emit("step-ended", report(1002));
    await log[Symbol.asyncDispose]();
    bus.emit("step-ended", report(1003));
    expect((await read()).slice(999).map((event) => "step" in event && event.step)).toEqual([1000, 1002]);
  });

  it("removes a torn last line before it appends, however long, and ends a whole one", async () => {
    await record((bus) => bus.emit("step-ended", report(1)));
    await appendFile(path, `{"event":"sample-generated","time":1,"text":"${"é".repeat(100_000)}`);
    expect((await read()).length).toBe(1);
    await record((bus) => bus.emit("step-ended", report(2)));
    await appendFile(path, '{"event":"epoch-ended","time":7,"epoch":0,"step":2}');
    await record((bus) => bus.emit("step-ended", report(3)));
    expect((await read()).map((event) => "step" in event && event.step)).toEqual([1, 2, 2, 3]);
  });

  it("empties a file that holds nothing but a torn line", async () => {
    await writeFile(path, '{"event":');
    await record((bus) => bus.emit("step-ended", report(1)));
    expect((await read()).length).toBe(1);
  });

  it("says where it cannot be opened", async () => {
    const error = await failure(EventLog.open({ path: join(run, "missing", "events.jsonl"), now: () => 0 }));
    expect(error.code).toBe("events-unwritable");
    expect(error.message).toContain(join("missing", "events.jsonl"));
    expect((await failure(EventLog.open({ path: run, now: () => 0 }))).code).toBe("events-unwritable");
  });

  it.skipIf(!existsSync("/dev/full"))("turns a full disk into one warning, and the run goes on", async () => {
    await symlink("/dev/full", path);
    const bus = new EventBus();
    const warnings: EventMap["warning"][] = [];
    bus.on("warning", (warning) => warnings.push(warning));
    const log = await EventLog.open({ path, now: () => 0 });
    log.attach(bus);
    for (let step = 1; step <= 3; step++) {
      bus.emit("step-ended", report(step));
      await log.flush();
    }
    await log[Symbol.asyncDispose]();
    expect(warnings.length).toBe(1);
    expect(warnings[0]!.source).toBe("event log");
    expect(warnings[0]!.message).toMatch(/no longer recorded.*ENOSPC/);
  });
});

describe("readEvents", () => {
  it.each([
    ["half a line", '{"event":"epoch'],
    ["another value", "5"],
    ["null", "null"],
    ["no event", '{"event":5,"time":1}'],
    ["no time", '{"event":"epoch-ended","epoch":1}'],
    ["nothing", ""],
    ["something long", "x".repeat(200)],
  ])("refuses %s on any but the last line, with its number", async (_name, line) => {
    await record((bus) => bus.emit("step-ended", report(1)));
    await appendFile(path, `${line}\n`);
    await appendFile(path, '{"event":"epoch-ended","time":7,"epoch":0,"step":2}\n');
    const error = await failure(read());
    expect(error.code).toBe("events-damaged");
    expect(error.message).toContain(`${path}:2`);
  });

  it("says that a log is not there", async () => {
    const error = await failure(read());
    expect(error.code).toBe("events-unreadable");
    expect(error.message).toContain("ENOENT");
  });
});

describe("cutEvents", () => {
  const steps = async (file: string): Promise<unknown[]> =>
    (await read(join(run, file))).map((event) => ("step" in event ? event.step : event.event));

  it("moves what happened after the step, and keeps the rest as it was", async () => {
    await record((bus) => {
      for (let step = 1; step <= 3; step++) bus.emit("step-ended", report(step));
      bus.emit("warning", { source: "test", message: "without a step" });
      bus.emit("step-ended", report(4));
    });
    const before = (await readFile(path, "utf8")).split("\n");
    await appendFile(path, '{"event":"torn');
    expect(await cutEvents(run, 2)).toBe(2);
    expect(await readFile(path, "utf8")).toBe(`${before[0]}\n${before[1]}\n${before[3]}\n`);
    expect(await readFile(join(run, "events.1.jsonl"), "utf8")).toBe(`${before[2]}\n${before[4]}\n{"event":"torn`);
    expect(await steps("events.1.jsonl")).toEqual([3, 4]);
    expect((await readdir(run)).sort()).toEqual(["events.1.jsonl", "events.jsonl"]);
  });

  it("takes the next free number each time, and loses no event", async () => {
    await writeFile(join(run, "events.7.jsonl"), "");
    await record((bus) => bus.emit("step-ended", report(1)));
    await record((bus) => bus.emit("step-ended", report(2)));
    expect(await cutEvents(run, 1)).toBe(1);
    await record((bus) => bus.emit("step-ended", report(2)));
    expect(await cutEvents(run, 0)).toBe(2);
    expect([await steps("events.jsonl"), await steps("events.8.jsonl"), await steps("events.9.jsonl")]).toEqual([
      [],
      [2],
      [1, 2],
    ]);
  });

  it("changes nothing where nothing came after, where there is no log, and where the log is damaged", async () => {
    expect(await cutEvents(run, 0)).toBe(0);
    await record((bus) => bus.emit("step-ended", report(2)));
    const before = await readFile(path, "utf8");
    expect(await cutEvents(run, 2)).toBe(0);
    expect(await readFile(path, "utf8")).toBe(before);
    await writeFile(path, `damaged\n${before}`);
    expect((await failure(cutEvents(run, 1))).code).toBe("events-damaged");
    expect(await readdir(run)).toEqual(["events.jsonl"]);
    expect(await readFile(path, "utf8")).toBe(`damaged\n${before}`);
  });

  it("moves a log of megabytes whole", async () => {
    const line = (step: number): string => `${JSON.stringify({ event: "step-ended", time: 1, ...report(step) })}\n`;
    await writeFile(path, Array.from({ length: 20_000 }, (_, index) => line(index + 1)).join(""));
    expect(await cutEvents(run, 500)).toBe(19_500);
    expect((await read()).length).toBe(500);
    expect(await steps("events.1.jsonl")).toEqual(Array.from({ length: 19_500 }, (_, index) => index + 501));
  });
});
