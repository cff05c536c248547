import { stat } from "node:fs/promises";
import { basename, isAbsolute, join, resolve } from "node:path";
import { ModelCheckpointer, listRuns, type RunFolder } from "@pipe/persist";
import type { Host } from "./host.ts";

/** The folder of all runs. */
export function runsDirOf(host: Host, flag: string): string {
  return resolve(host.cwd, flag);
}

/** A run that is named, or given as a path. */
export function runPath(host: Host, runsDir: string, run: string): string {
  return isAbsolute(run) || run.startsWith(".") || run.includes("/") ? resolve(host.cwd, run) : join(runsDir, run);
}

/** A name that no run has yet: the wanted one, or with a number behind it. */
export async function freeName(runsDir: string, wanted: string): Promise<string> {
  const taken = new Set<string>();
  const runs = await listRuns(runsDir, (path) => taken.add(basename(path)));
  for (const { info } of runs) taken.add(info.name);
  let name = wanted;
  for (let i = 2; taken.has(name); i++) name = `${wanted}-${i}`;
  return name;
}

/**
 * The run whose newest checkpoint is the latest; runs without a checkpoint come last.
 * @param recipe the name of a recipe whose runs alone count
 */
export async function newestRun(runsDir: string, recipe?: string): Promise<RunFolder | undefined> {
  const pattern = recipe === undefined ? /./ : new RegExp(`^${recipe.replace(/[.*+?^${}()|[\]\\]/g, "\\$&")}(-\\d+)?$`);
  const all = await listRuns(runsDir);
  const runs = all.filter(({ info }) => info.imported === undefined && pattern.test(info.name));
  const dated = await Promise.all(
    runs.map(async (run) => {
      const newest = (await new ModelCheckpointer({ folder: run.checkpoints }).list()).at(-1);
      const time = newest === undefined ? 0 : (await stat(newest.location)).mtimeMs;
      return { run, time };
    }),
  );
  return dated.sort((a, b) => b.time - a.time)[0]?.run;
}
