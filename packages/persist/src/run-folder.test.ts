import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { basename, join } from "node:path";
import { expect, it } from "vitest";
import { createRun, listRuns, openRun, removeRun } from "./run-folder.ts";
import { lockRun } from "./run-lock.ts";
import { temporaryFolders } from "./temporary-folder.test.fixture.ts";

const newFolder = temporaryFolders();
const info = {
  name: "first",
  config: { training: { steps: 10 } },
  configHash: "ab",
  versions: { "@pipe/core": "1.0.0" },
  engine: "onnx",
  device: "cpu",
};

it("writes a run once, with sorted keys, and reads it again", async () => {
  const path = join(await newFolder(), "runs", "first");
  const run = await createRun(path, { ...info, git: "c0ffee" });
  expect(await openRun(path)).toEqual(run);
  expect(run).toEqual({
    path,
    info: { ...info, git: "c0ffee" },
    checkpoints: join(path, "checkpoints"),
    events: join(path, "events.jsonl"),
    index: join(path, "index"),
  });
  expect(Object.keys(JSON.parse(await readFile(join(path, "run.json"), "utf8")) as object)).toEqual([
    "config",
    "configHash",
    "device",
    "engine",
    "git",
    "name",
    "versions",
  ]);
  await expect(createRun(path, info)).rejects.toMatchObject({ code: "run-exists" });
});

it("tells a missing run from a torn one, and lists the readable ones", async () => {
  const folder = await newFolder();
  expect(await listRuns(join(folder, "none"))).toEqual([]);
  for (const name of ["b", "a"]) await createRun(join(folder, name), { ...info, name });
  await mkdir(join(folder, "empty"));
  for (const [name, text] of [
    ["torn", '{ "name": "to'],
    ["other", "null"],
    ["odd", '{ "name": "x" }'],
  ] as const) {
    await mkdir(join(folder, name));
    await writeFile(join(folder, name, "run.json"), text);
    await expect(openRun(join(folder, name))).rejects.toMatchObject({ code: "run-damaged" });
  }
  await expect(openRun(join(folder, "nowhere"))).rejects.toMatchObject({
    code: "run-missing",
    fix: "`pipe runs list` shows the runs",
  });
  await createRun(join(folder, "quick-2"), info);
  const near = expect.stringMatching(/^if quick-2 is meant, write that; `pipe runs list/) as string;
  await expect(openRun(join(folder, "quik-2"))).rejects.toMatchObject({ code: "run-missing", fix: near });
  await removeRun(join(folder, "quick-2"));
  await mkdir(join(folder, "folder", "run.json"), { recursive: true });
  await expect(openRun(join(folder, "folder"))).rejects.toThrow(/cannot be read[^]*EISDIR/);
  const damaged: string[] = [];
  const runs = await listRuns(folder, (path, { code }) => damaged.push(`${basename(path)}: ${code}`));
  expect(runs.map((run) => run.info.name)).toEqual(["a", "b"]);
  expect(damaged).toEqual(["folder", "odd", "other", "torn"].map((name) => `${name}: run-damaged`));
  expect(await listRuns(folder)).toEqual(runs);
  await expect(listRuns(join(folder, "a", "run.json"))).rejects.toMatchObject({ code: "ENOTDIR" });
});

it("removes runs and nothing else", async () => {
  const folder = await newFolder();
  const path = join(folder, "a");
  await createRun(path, info);
  await mkdir(join(folder, "photos"));
  await expect(removeRun(join(folder, "photos"))).rejects.toMatchObject({ code: "run-missing" });
  const lock = await lockRun(path);
  await expect(removeRun(path)).rejects.toMatchObject({ code: "run-locked" });
  await lock[Symbol.asyncDispose]();
  await removeRun(path);
  expect(await readdir(folder)).toEqual(["photos"]);
});

it("lets one process work in a run at a time", async () => {
  const folder = await newFolder();
  const lock = await lockRun(folder);
  await expect(lockRun(folder)).rejects.toThrow(`process ${process.pid}`);
  await lock[Symbol.asyncDispose]();
  await (await lockRun(folder))[Symbol.asyncDispose]();
  expect(await readdir(folder)).toEqual([]);
});

it("gives the lock to one of many that ask at once", async () => {
  const folder = await newFolder();
  await writeFile(join(folder, "run.lock"), "left by nobody");
  const results = await Promise.allSettled(Array.from({ length: 8 }, async () => lockRun(folder)));
  expect(results.filter(({ status }) => status === "fulfilled")).toHaveLength(1);
});

it("takes over the lock of a dead process and of one whose number was given away", async () => {
  const folder = await newFolder();
  const child = spawn(process.execPath, ["-e", ""]);
  await once(child, "exit");
  for (const owner of [{ pid: child.pid, start: null }, { pid: process.pid, start: "1" }, { pid: -1 }, null]) {
    await writeFile(join(folder, "run.lock"), JSON.stringify(owner));
    const lock = await lockRun(folder);
    expect(await readFile(join(folder, "run.lock"), "utf8")).toContain(`"pid":${process.pid}`);
    await lock[Symbol.asyncDispose]();
  }
});

it("respects the lock of another live process, and never frees a lock that is not its own", async () => {
  const folder = await newFolder();
  const child = spawn(process.execPath, ["-e", "process.stdin.resume()"], { stdio: ["pipe", "ignore", "ignore"] });
  await once(child, "spawn");
  const lock = await lockRun(folder);
  const mine = JSON.parse(await readFile(join(folder, "run.lock"), "utf8")) as { start: string | null };
  const stat = mine.start === null ? undefined : await readFile(`/proc/${child.pid}/stat`, "utf8");
  const start = stat?.slice(stat.lastIndexOf(")") + 2).split(" ")[19] ?? null;
  const theirs = JSON.stringify({ pid: child.pid, start });
  await writeFile(join(folder, "run.lock"), theirs);
  await lock[Symbol.asyncDispose]();
  await expect(lockRun(folder)).rejects.toThrow(`process ${child.pid}`);
  expect(await readFile(join(folder, "run.lock"), "utf8")).toBe(theirs);
  child.stdin.end();
  await once(child, "exit");
  await (await lockRun(folder))[Symbol.asyncDispose]();
});

it("reports other failures as they are", async () => {
  const folder = await newFolder();
  await expect(lockRun(join(folder, "none"))).rejects.toMatchObject({ code: "ENOENT" });
  await mkdir(join(folder, "run.lock"));
  await expect(lockRun(folder)).rejects.toMatchObject({ code: "EISDIR" });
});
