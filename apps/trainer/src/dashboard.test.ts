import { cp, mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { run } from "./cli.ts";
import { withDashboard, writeImportedRun } from "./dashboard.test.fixture.ts";
import type { Host } from "./host.ts";
import { writeTinyRecipe } from "./tiny-recipe.test.fixture.ts";

let folder: string;
let host: Host;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "pipe-dashboard-"));
  const subscription = { [Symbol.dispose]: () => undefined };
  const output = { write: () => undefined };
  host = {
    ...{ stdout: output, stderr: output, env: {}, cwd: folder, now: () => Date.now() },
    onInterrupt: () => subscription,
    exit: () => undefined,
  };
  await mkdir(join(folder, "notes"));
  await writeFile(join(folder, "notes/a.md"), "# Winds\n\nThe north wind is cold.\n");
  await writeTinyRecipe(folder, 4);
  await run(["train", "tiny.yaml", "--set", "indexing={folder: notes}"], host);
  await writeImportedRun(join(folder, "runs"));
  await mkdir(join(folder, "runs/torn"));
  await writeFile(join(folder, "runs/torn/run.json"), "{");
});
afterAll(() => rm(folder, { recursive: true }));

const get = async (address: string): Promise<unknown> => (await fetch(address)).json();

it("lists all runs, streams them and searches their indexes, until it is interrupted", async () => {
  const { code, out } = await withDashboard(host, [], async (url) => {
    expect(new URL(url).hostname).toBe("127.0.0.1");
    expect(await get(`${url}api/runs`)).toEqual([
      expect.objectContaining({ name: "brought", imported: "hub/model", step: 0, ended: null, time: null }),
      expect.objectContaining({ name: "tiny", step: 4, ended: "completed", searchable: true }),
      { name: "torn", searchable: false, damaged: expect.stringContaining("run.json cannot be read") },
    ]);
    for (const mode of ["lexical", "hybrid"]) {
      expect(await get(`${url}api/runs/tiny/search?q=cold+wind&mode=${mode}`)).toMatchObject([{ path: "a.md" }]);
    }
  });
  expect([code, out]).toEqual([130, expect.stringMatching(/^dashboard: http:\/\/127\.0\.0\.1:\d+\/\nCtrl-C ends it/)]);
});

it("opens at a run that is named, also one in another folder", async () => {
  await mkdir(join(folder, "elsewhere"));
  await cp(join(folder, "runs/tiny"), join(folder, "elsewhere/copy"), { recursive: true });
  await withDashboard(host, ["--run", "./elsewhere/copy", "--json"], async (url) => {
    const { hash, origin } = new URL(url);
    expect([hash, await get(`${origin}/api/runs`)]).toEqual(["#copy", [expect.objectContaining({ name: "copy" })]]);
  });
  expect(await run(["dashboard", "--run", "nobody"], host)).toBe(1);
});

it("says of an index that knows words only that it does", async () => {
  await rm(join(folder, "runs/tiny/index/embedder.json"));
  await withDashboard(host, [], async (url) => {
    expect(await get(`${url}api/runs/tiny/search?q=cold`)).toMatchObject([{ path: "a.md" }]);
    expect(await get(`${url}api/runs/tiny/search?q=cold&mode=hybrid`)).toEqual({
      error: expect.stringContaining("This index knows words only"),
    });
  });
});
