import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it } from "vitest";
import { logOf, runEvents } from "../run.test.fixture.ts";
import { FeedPool } from "./feed-pool.ts";

it("follows a log once for all readers, and ends a while after the last has left", async () => {
  const folder = await mkdtemp(join(tmpdir(), "pipe-pool-"));
  const log = join(folder, "events.jsonl");
  await writeFile(log, logOf(runEvents(3)));
  const pool = new FeedPool({ pollMs: 1, lingerMs: 5 });
  const [first, second] = [pool.open(log), pool.open(log)];
  expect(second.feed).toBe(first.feed);
  first[Symbol.dispose]();
  second[Symbol.dispose]();
  const third = pool.open(log); // before the while is over
  expect(third.feed).toBe(first.feed);
  third[Symbol.dispose]();
  await new Promise((resolve) => setTimeout(resolve, 50));
  const fourth = pool.open(log);
  expect(fourth.feed).not.toBe(first.feed);
  await pool[Symbol.asyncDispose]();
  const late = pool.open(log);
  late[Symbol.dispose]();
  await late.feed.changed(); // it ends at once
  await rm(folder, { recursive: true });
});
