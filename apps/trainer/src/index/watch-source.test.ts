import { existsSync, renameSync, writeFileSync } from "node:fs";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { SourceWatch } from "./watch-source.ts";

let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "pipe-watch-"));
  await mkdir(join(folder, "docs/index"), { recursive: true });
  await writeFile(join(folder, "docs/a.md"), "a\n");
});

afterEach(() => rm(folder, { recursive: true, force: true }));

/** Watches until it was called so often; `before` comes when it watches and follows nothing yet, and `at` with each call. */
async function calls(source: string, count: number, before: () => void, at: (call: number) => void): Promise<number> {
  const end = new AbortController();
  let called = 0;
  const watch = await SourceWatch.open(source, join(folder, "docs/index"));
  before();
  await watch.follow(end.signal, async () => {
    at(++called);
    if (called === count) end.abort();
    await Promise.resolve();
  });
  watch[Symbol.dispose]();
  return called;
}

it("does not take for a change what is written into the index, which may lie within the folder", async () => {
  const later = join(folder, "docs/later.md");
  const seen: boolean[] = [];
  await calls(
    join(folder, "docs"),
    2,
    () => writeFileSync(join(folder, "docs/a.md"), "b\n"),
    (call) => {
      seen.push(existsSync(later));
      writeFileSync(join(folder, "docs/index/writer.json"), `${call}\n`);
      if (call === 1) setTimeout(() => writeFileSync(later, "c\n"), 1_000);
    },
  );
  expect(seen).toEqual([false, true]);
});

it("follows a file that another one is put in the place of, again and again", async () => {
  const replace = (): void => {
    writeFileSync(join(folder, "docs/.a.md.swp"), "new\n");
    renameSync(join(folder, "docs/.a.md.swp"), join(folder, "docs/a.md"));
  };
  expect(await calls(join(folder, "docs/a.md"), 2, replace, () => void setTimeout(replace, 50))).toBe(2);
});

it("follows what a glob matches", async () => {
  const write = (): void => writeFileSync(join(folder, "docs/b.md"), "b\n");
  expect(await calls(join(folder, "doc{s,}/*.md"), 1, write, () => undefined)).toBe(1);
});

it("takes changes in while a file is written without a pause", async () => {
  const log = join(folder, "docs/log.md");
  const timer = setInterval(() => writeFileSync(log, `${performance.now()}\n`), 20);
  expect(
    await calls(
      join(folder, "docs"),
      1,
      () => undefined,
      () => undefined,
    ),
  ).toBe(1);
  clearInterval(timer);
});
