import { existsSync } from "node:fs";
import type { EventMap } from "@pipe/core";
import { readEvents } from "@pipe/monitor";
import { listRuns, ModelCheckpointer, openRun, removeRun, type RunFolder } from "@pipe/persist";
import type { Host } from "../host.ts";
import { runPath, runsDirOf } from "../run-paths.ts";
import { parseCommand, required, usageError } from "../usage.ts";

/** `pipe runs list|show|verify|remove`. */
export async function runs(args: readonly string[], host: Host): Promise<number> {
  const { values, positionals } = parseCommand(args, {}, 2);
  const [action = "list", name] = positionals;
  const runsDir = runsDirOf(host, values["runs-dir"]);
  const json = values.json === true;
  if (action === "list") {
    const found = await Promise.all((await listRuns(runsDir)).map(summary));
    for (const each of found) host.stdout.write(json ? `${JSON.stringify(each)}\n` : line(each));
    if (found.length === 0 && !json) host.stdout.write(`no runs in ${runsDir}\n`);
    return 0;
  }
  const path = runPath(host, runsDir, required("The run", name));
  if (action === "show") {
    const run = await openRun(path);
    const shown = { ...(await summary(run)), config: run.info.config, versions: run.info.versions, path: run.path };
    host.stdout.write(`${JSON.stringify(shown, null, json ? undefined : 2)}\n`);
    return 0;
  }
  if (action === "verify") return verify(await openRun(path), host, json);
  if (action === "remove") {
    await removeRun(path);
    if (!json) host.stdout.write(`removed ${path}\n`);
    return 0;
  }
  throw usageError(`There is no runs command ${JSON.stringify(action)}.`);
}

type Summary = {
  readonly name: string;
  readonly step: number;
  readonly checkpoints: readonly number[];
  readonly metrics: { readonly [name: string]: number };
};

async function summary(run: RunFolder): Promise<Summary> {
  let step = 0;
  let metrics: Summary["metrics"] = {};
  // A run that ended before its first event has no log.
  const events = existsSync(run.events) ? readEvents(run.events) : [];
  for await (const event of events) {
    if (event.event === "step-ended") ({ step } = event as unknown as EventMap["step-ended"]);
    if (event.event === "evaluation-ended") ({ metrics } = event as unknown as EventMap["evaluation-ended"]);
  }
  const refs = await new ModelCheckpointer({ folder: run.checkpoints }).list();
  return { name: run.info.name, step, checkpoints: refs.map((ref) => ref.step), metrics };
}

function line({ name, step, checkpoints, metrics }: Summary): string {
  const figures = Object.entries(metrics).map(([metric, value]) => `${metric} ${value.toFixed(3)}`);
  return `${name.padEnd(24)} step ${String(step).padStart(6)}  checkpoints ${checkpoints.join(", ") || "none"}  ${figures.join(" · ")}\n`;
}

async function verify(run: RunFolder, host: Host, json: boolean): Promise<number> {
  const checkpointer = new ModelCheckpointer({ folder: run.checkpoints });
  let good = true;
  for (const ref of await checkpointer.list()) {
    const { ok, problems } = await checkpointer.verify(ref);
    good &&= ok;
    if (json) host.stdout.write(`${JSON.stringify({ step: ref.step, ok, problems })}\n`);
    else host.stdout.write(`step ${ref.step}: ${ok ? "complete" : problems.join("; ")}\n`);
  }
  return good ? 0 : 1;
}
