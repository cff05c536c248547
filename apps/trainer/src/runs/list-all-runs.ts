import { existsSync } from "node:fs";
import { basename } from "node:path";
import { messageOf, PipeError } from "@pipe/core";
import { formatDuration, formatInteger, formatMetrics, newestEvents } from "@pipe/monitor";
import { listRuns, ModelCheckpointer, type RunFolder } from "@pipe/persist";
import type { Host } from "../host.ts";
import { table } from "./table.ts";

type Listed = {
  readonly name: string;
  readonly step: number;
  readonly checkpoints: readonly number[];
  readonly metrics: { readonly [name: string]: number };
  /** `completed`, `aborted` and the like; null while it is under way, and where it was killed. */
  readonly ended: string | null;
  /** When its newest event happened, in ms; null before the first. */
  readonly time: number | null;
  /** Where it was imported from; null where it was trained. */
  readonly imported: string | null;
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
  listed.sort(byName);
  const all = [...listed, ...damaged].sort(byName);
  if (json) for (const each of all) host.stdout.write(`${JSON.stringify(each)}\n`);
  else host.stdout.write(all.length === 0 ? `no runs in ${runsDir}\n` : listing(listed, damaged, host.now()));
  return 0;
}

async function outline(run: RunFolder, note: (path: string, error: PipeError) => void): Promise<Listed | undefined> {
  try {
    // A run that ended before its first event has no log.
    const { step, evaluation, ended, time } = existsSync(run.events) ? await newestEvents(run.events) : {};
    const refs = await new ModelCheckpointer({ folder: run.checkpoints }).list();
    const checkpoints = refs.map((ref) => ref.step);
    return {
      name: basename(run.path),
      step: step?.step ?? 0,
      checkpoints,
      metrics: evaluation?.metrics ?? {},
      ended: ended ?? null,
      time: time ?? null,
      imported: run.info.imported ?? null,
    };
  } catch (error) {
    if (!PipeError.is(error)) throw error;
    note(run.path, error);
    return undefined;
  }
}

function byName(a: { readonly name: string }, b: { readonly name: string }): number {
  return a.name < b.name ? -1 : 1;
}

function listing(listed: readonly Listed[], damaged: readonly Damaged[], now: number): string {
  const widest = Math.max(4, ...listed.map(({ step }) => formatInteger(step).length));
  const rows = listed.map((run) => [
    run.name,
    stateOf(run),
    formatInteger(run.step).padStart(widest),
    checkpointsOf(run.checkpoints),
    run.time === null ? "" : `${formatDuration(Math.max(0, now - run.time) / 1000)} ago`,
    formatMetrics(run.metrics),
  ]);
  const head = ["run", "state", "step".padStart(widest), "checkpoints", "last event", "validation"];
  const broken = damaged.map(({ name, error }) => `${name}  damaged: ${error.replaceAll(/\n\s*/g, "; ")}\n`);
  return `${listed.length === 0 ? "" : table([head, ...rows], head.length)}${broken.join("")}`;
}

function stateOf({ ended, time, imported }: Listed): string {
  if (imported !== null) return "imported";
  return ended ?? (time === null ? "not begun" : "not ended");
}

/** The steps, or where there are many, how many and up to which. */
function checkpointsOf(steps: readonly number[]): string {
  if (steps.length === 0) return "none";
  return steps.length <= 3 ? steps.join(", ") : `${steps.length} up to ${steps.at(-1)!}`;
}
