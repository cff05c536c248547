import { existsSync } from "node:fs";
import { basename } from "node:path";
import { messageOf, PipeError } from "@pipe/core";
import { formatMetrics, newestEvents } from "@pipe/monitor";
import { listRuns, ModelCheckpointer, type RunFolder } from "@pipe/persist";
import type { Host } from "../host.ts";

type Listed = {
  readonly name: string;
  readonly step: number;
  readonly checkpoints: readonly number[];
  readonly metrics: { readonly [name: string]: number };
};
/** A run whose run.json or events.jsonl cannot be read. */
type Damaged = { readonly name: string; readonly path: string; readonly code: string; readonly error: string };

/** `pipe runs list`: a line a run, also for those that are damaged. */
export async function listAllRuns(runsDir: string, host: Host, json: boolean): Promise<number> {
  const damaged: Damaged[] = [];
  const note = (path: string, error: PipeError): void => {
    damaged.push({ name: basename(path), path, code: error.code, error: messageOf(error) });
  };
  const runs = await listRuns(runsDir, note);
  const listed = (await Promise.all(runs.map((run) => outline(run, note)))).filter((each) => each !== undefined);
  const all = [...listed, ...damaged].sort((a, b) => (a.name < b.name ? -1 : 1));
  for (const each of all) host.stdout.write(json ? `${JSON.stringify(each)}\n` : line(each));
  if (all.length === 0 && !json) host.stdout.write(`no runs in ${runsDir}\n`);
  return 0;
}

async function outline(run: RunFolder, note: (path: string, error: PipeError) => void): Promise<Listed | undefined> {
  try {
    // A run that ended before its first event has no log.
    const { step, evaluation } = existsSync(run.events) ? await newestEvents(run.events) : {};
    const refs = await new ModelCheckpointer({ folder: run.checkpoints }).list();
    const checkpoints = refs.map((ref) => ref.step);
    return { name: basename(run.path), step: step?.step ?? 0, checkpoints, metrics: evaluation?.metrics ?? {} };
  } catch (error) {
    if (!PipeError.is(error)) throw error;
    note(run.path, error);
    return undefined;
  }
}

function line(run: Listed | Damaged): string {
  const name = run.name.padEnd(24);
  if ("error" in run) return `${name} damaged: ${run.error.replaceAll(/\n\s*/g, "; ")}\n`;
  const checkpoints = run.checkpoints.join(", ") || "none";
  return `${name} step ${String(run.step).padStart(6)}  checkpoints ${checkpoints}  ${formatMetrics(run.metrics)}\n`;
}
