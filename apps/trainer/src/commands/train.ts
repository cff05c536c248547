import { basename, dirname, join, relative } from "node:path";
import { type Experiment, overlay, type RawConfig, rawConfig } from "@pipe/config";
import { type Json, messageOf, PipeError } from "@pipe/core";
import { cacheFolder } from "@pipe/engine-xla/plugins";
import { EventBus, ProgressReporter } from "@pipe/monitor";
import { ModelCheckpointer, openRun, type RunFolder } from "@pipe/persist";
import { loadExperiment, type PipelineResult, TrainingPipelineV2 } from "@pipe/pipeline";
import { type DistributedContext, fromMain, singleProcess } from "@pipe/train";
import { type Host, takesColors } from "../host.ts";
import { joinProcesses } from "../join-processes.ts";
import { indexAfterTraining, noteIndex } from "../index-after-training.ts";
import { nodeSettings, runsDirOfNode } from "../nodes.ts";
import { findRecipe, overlaid } from "../recipes.ts";
import { freeName, newestRun, runPath, runsDirOf } from "../run-paths.ts";
import { rehearse } from "../rehearsal.ts";
import { parseCommand, usageError } from "../usage.ts";
import { versions } from "../versions.ts";

type Start = {
  readonly config: RawConfig;
  readonly resume: boolean;
  /** Folder of the run's folder. */
  readonly runsDir: string;
};

/** `pipe train [recipe]`: trains, evaluates, saves; Ctrl-C finishes the step, saves and says how to go on. */
export async function train(args: readonly string[], host: Host): Promise<number> {
  // parseArgs knows no flag with an optional value.
  const plain = args.map((arg) => (arg === "--resume" ? "--resume=" : arg));
  const { values, positionals } = parseCommand(
    plain,
    {
      set: { type: "string", multiple: true },
      name: { type: "string" },
      resume: { type: "string" },
      "dry-run": { type: "boolean" },
      profile: { type: "string" },
      nodes: { type: "string" },
      node: { type: "string" },
      master: { type: "string" },
      "secret-file": { type: "string" },
    },
    1,
  );
  const settings = nodeSettings(values);
  const runsDir = runsDirOfNode(runsDirOf(host, values["runs-dir"]), values);
  const isRehearsal = values["dry-run"] === true || values.profile !== undefined;
  if (isRehearsal && values.resume !== undefined) {
    throw usageError("A rehearsal does not resume: leave --resume out.");
  }
  const start = isRehearsal
    ? { config: await findRecipe(positionals[0] ?? "quick", host.cwd), resume: false, runsDir }
    : await begin(host, runsDir, positionals[0], values);
  const distributed = isRehearsal ? singleProcess : await joinProcesses(host);
  try {
    const isPlain = values.node !== undefined || start.runsDir === runsDirOf(host, "runs");
    const dir = isPlain ? [] : ["--runs-dir", relative(host.cwd, start.runsDir) || "."];
    // A run keeps the settings that it began with; those of a resumption have to be said again.
    const set = start.resume ? (values.set ?? []).flatMap((each) => ["--set", each]) : [];
    const again = { dir: quoted(dir), set: quoted(set) };
    const common = { ...values, set: [...(values.set ?? []), ...settings], again };
    return await trainTogether(host, await nameOfMain(start, distributed), common, { distributed, isRehearsal });
  } finally {
    await distributed[Symbol.asyncDispose]();
  }
}

type Values = {
  readonly set?: readonly string[] | undefined;
  readonly json?: boolean | undefined;
  readonly profile?: string | undefined;
  readonly node?: string | undefined;
  /** Flags that a next command needs. */
  readonly again: { readonly dir: string; readonly set: string };
};

/** All processes take the name that the main one has found free. */
async function nameOfMain(start: Start, distributed: DistributedContext): Promise<Start> {
  const own = nameOf(start.config);
  const name = await fromMain(distributed, own);
  return name === own ? start : { ...start, config: named(start.config, name) };
}

async function trainTogether(
  host: Host,
  start: Start,
  values: Values,
  { distributed, isRehearsal }: { readonly distributed: DistributedContext; readonly isRehearsal: boolean },
): Promise<number> {
  const { runsDir } = start;
  const config = overlaid(start.config, host, values.set);
  if (isRehearsal) {
    return rehearse(host, config, { runsDir, json: values.json === true, profile: values.profile });
  }
  const { raw, origins } = config;
  const { experiment, components } = await loadExperiment(raw, { origins, from: host.cwd });

  const events = new EventBus();
  const json = values.json === true;
  const output = json ? host.stdout : host.stderr.isTTY === true ? host.stderr : host.stdout;
  const reporter = new ProgressReporter({
    output,
    ...(json ? { mode: "json" as const } : {}),
    every: experiment.monitoring.progressEvery,
    color: takesColors(host, output),
  });
  // One of several processes speaks for all.
  const speaks = distributed.isMain && (values.node ?? "0") === "0";
  const attached = speaks ? reporter.attach(events) : undefined;
  const abort = new AbortController();
  const interrupts = host.onInterrupt(() => {
    if (abort.signal.aborted) host.exit();
    if (speaks) host.stderr.write("\nfinishing the step and saving (again to stop at once)\n");
    abort.abort();
  });
  const options = {
    components,
    runsDir: start.runsDir,
    cacheFolder: cacheFolder(host.env),
    events,
    signal: abort.signal,
    distributed,
    now: host.now,
    versions: versions(),
  };
  const { indexing } = experiment;
  if (indexing.during !== undefined && distributed.isMain) {
    // Other processes find the model of the index while it learns.
    events.on("run-started", () => {
      noteIndex(join(start.runsDir, experiment.name), indexing.folder).catch((error: unknown) =>
        events.emit("warning", { source: "index", message: messageOf(error) }),
      );
    });
  }
  let result: PipelineResult;
  try {
    result = await new TrainingPipelineV2(experiment, { ...options, resume: start.resume }).run();
  } catch (error) {
    if (PipeError.is(error, "training-diverged"))
      await sayWhatIsKept(host, join(start.runsDir, experiment.name), values.again);
    // Stopped while the text was read: nothing was begun, so nothing is lost.
    if (!(error instanceof Error && error.name === "AbortError")) throw error;
    host.stderr.write("stopped before the first step; nothing was begun\n");
    return 130;
  } finally {
    attached?.[Symbol.dispose]();
    interrupts[Symbol.dispose]();
  }
  if (!speaks) return result.reason === "aborted" ? 130 : 0;
  const code = await finish(host, experiment, result, values);
  if (json) host.stdout.write(`${JSON.stringify(endEvent(result))}\n`);
  return code;
}

/** The last line for programs: where everything is. */
function endEvent({ run, checkpoint, reason, progress }: PipelineResult): Json {
  const names = { run: basename(run.path), path: run.path, checkpoint: checkpoint?.location ?? null };
  return { event: "train-ended", step: progress.step, reason, ...names };
}

/** The configuration before it is checked, new or of a run that is resumed. */
async function begin(
  host: Host,
  runsDir: string,
  recipe: string | undefined,
  { name, resume }: { readonly name?: string | undefined; readonly resume?: string | undefined },
): Promise<Start> {
  const wantedRun = resume === "" ? name : resume;
  if (resume === undefined) {
    const config = await findRecipe(recipe ?? "quick", host.cwd);
    // A name that was asked for is taken as it is: an existing run of that name is an error.
    if (name !== undefined) return { config: named(config, name), resume: false, runsDir };
    const free = { ...config, raw: { ...config.raw, name: await freeName(runsDir, nameOf(config)) } };
    return { config: free, resume: false, runsDir };
  }
  if (wantedRun !== undefined) {
    const path = runPath(host, runsDir, wantedRun);
    const run = await openRun(path);
    if (run.info.imported !== undefined) throw notResumable(path);
    const config = recipe === undefined ? configOf(run) : await findRecipe(recipe, host.cwd);
    // The folder that was named is the run, whatever name it was started under.
    return { config: named(config, basename(path)), resume: true, runsDir: dirname(path) };
  }
  const ofRecipe = recipe === undefined ? undefined : nameOf(await findRecipe(recipe, host.cwd));
  const run = await newestRun(runsDir, ofRecipe);
  if (run === undefined) {
    throw new PipeError("run-missing", `There is no run${recipe === undefined ? "" : " of this recipe"} to resume.`, {
      where: runsDir,
      fix: "leave --resume out",
    });
  }
  return { config: named(configOf(run), basename(run.path)), resume: true, runsDir };
}

function notResumable(path: string): PipeError {
  return new PipeError("run-imported", "This run was imported: no training is there to go on with.", {
    where: path,
    fix: `start one from its weights: pipe train finetune --set model.from=${path} --set data.source.path=<text>`,
  });
}

function nameOf({ raw }: RawConfig): string {
  return typeof raw["name"] === "string" ? raw["name"] : "run";
}

function named(config: RawConfig, name: string): RawConfig {
  return overlay(config, [{ path: ["name"], value: name, origin: { source: "flag", flag: `--name ${name}` } }]);
}

/** The configuration that a run was started with. */
function configOf({ info }: RunFolder): RawConfig {
  return rawConfig(info.config as RawConfig["raw"], { source: "recipe", name: `the run ${info.name}` });
}

/** Says how to go on with a run that diverged, where it has a checkpoint. */
async function sayWhatIsKept(host: Host, run: string, { dir, set }: Values["again"]): Promise<void> {
  const newest = (await new ModelCheckpointer({ folder: join(run, "checkpoints") }).list()).at(-1);
  if (newest === undefined) return;
  const command = `pipe train --resume=${basename(run)}${dir}${set} --set optimization.schedule.rate=<lower>`;
  host.stderr.write(`\nstep ${newest.step} is kept; go on from there with: ${command}\n`);
}

async function finish(host: Host, experiment: Experiment, result: PipelineResult, values: Values): Promise<number> {
  const { run, checkpoint, reason } = result;
  const { again } = values;
  const json = values.json === true;
  const say = (text: string): void => void (json ? host.stderr : host.stdout).write(`${text}\n`);
  if (reason === "aborted") {
    const saved = checkpoint === undefined ? "stopped before the first step" : `saved step ${checkpoint.step}`;
    say(`\n${saved}; go on with: pipe train --resume=${basename(run.path)}${again.dir}${again.set}`);
    return 130;
  }
  if (checkpoint !== undefined) say(`\ncheckpoint: ${checkpoint.location}`);
  await indexAfterTraining(host, experiment, run, json);
  say(`\nnow: pipe generate --run ${basename(run.path)}${again.dir} --prompt "…"`);
  return 0;
}

/** Arguments as a shell reads them, each with a space before it. */
function quoted(args: readonly string[]): string {
  const words = args.map((arg) => (/^[\w@%+=:,./-]+$/.test(arg) ? arg : `'${arg.replaceAll("'", `'\\''`)}'`));
  return words.map((word) => ` ${word}`).join("");
}
