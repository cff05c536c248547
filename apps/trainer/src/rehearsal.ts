import { readdir, readFile, rm, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { overlay, type RawConfig } from "@pipe/config";
import { type EventMap, peakResidentBytes } from "@pipe/core";
import { cacheFolder } from "@pipe/engine-xla/plugins";
import { EventBus, formatCount, formatDuration, formatMetrics } from "@pipe/monitor";
import { loadExperiment, TrainingPipelineV2 } from "@pipe/pipeline";
import type { Host } from "./host.ts";
import { freeName } from "./run-paths.ts";
import { usageError } from "./usage.ts";
import { versions } from "./versions.ts";

/** Steps of a rehearsal: the first ones are slower. */
const DRY_STEPS = 4;
const PROFILED_STEPS = 10;

type Seen = { -readonly [E in keyof EventMap]?: EventMap[E] } & {
  readonly ended: number[];
  readonly warnings: string[];
};

/**
 * Does everything that a run does, a few steps long, in a run that is removed afterwards: one evaluation, one checkpoint,
 * one sample. Then says what the whole run would need. With `profile`, a trace of every op goes to that file.
 */
export async function rehearse(
  host: Host,
  config: RawConfig,
  {
    runsDir,
    json,
    profile,
  }: { readonly runsDir: string; readonly json: boolean; readonly profile?: string | undefined },
): Promise<number> {
  const planned = (await loadExperiment(config.raw, { origins: config.origins, from: host.cwd })).experiment;
  if (profile !== undefined) refuseWithoutTraces(planned.engine.kind);
  const name = await freeName(runsDir, `rehearsal-of-${planned.name}`);
  const traces = join(runsDir, `${name}-traces`);
  const steps = profile === undefined ? DRY_STEPS : PROFILED_STEPS;
  const { raw, origins } = overlay(
    config,
    changes(planned, { name, steps, ...(profile === undefined ? {} : { traces }) }),
  );
  const { experiment, components } = await loadExperiment(raw, { origins, from: host.cwd });
  const events = new EventBus();
  const seen = watch(events);
  const abort = new AbortController();
  const interrupts = host.onInterrupt(() => (abort.signal.aborted ? host.exit() : abort.abort()));
  try {
    const options = {
      components,
      runsDir,
      cacheFolder: cacheFolder(host.env),
      events,
      signal: abort.signal,
      now: host.now,
      versions: versions(),
    };
    await new TrainingPipelineV2(experiment, options).run();
    if (abort.signal.aborted) return 130;
    if (profile !== undefined) await joinTraces(traces, resolve(host.cwd, profile));
  } catch (error) {
    // Stopped while the text was read.
    if (abort.signal.aborted) return 130;
    throw error;
  } finally {
    interrupts[Symbol.dispose]();
    await rm(join(runsDir, name), { recursive: true, force: true });
    await rm(traces, { recursive: true, force: true });
  }
  const report = summary(planned, seen, steps);
  if (json) host.stdout.write(`${JSON.stringify({ event: "rehearsal-ended", ...report.data })}\n`);
  else
    host.stdout.write(
      `${[...report.lines, ...(profile === undefined ? [] : [`trace        ${profile}: open it in ui.perfetto.dev`])].join("\n")}\n`,
    );
  return 0;
}

/** Says it before anything runs: of the engines, that of ONNX Runtime makes traces. @throws PipeError `usage`. */
function refuseWithoutTraces(engine: string): void {
  if (engine !== "xla" && engine !== "tfjs") return;
  throw usageError(
    `--profile traces what ONNX Runtime does, and the engine of the recipe is ${engine}.`,
    "--set engine.kind=onnx",
  );
}

/** What a rehearsal changes in a configuration. */
function changes(
  { engine, evaluation }: Awaited<ReturnType<typeof loadExperiment>>["experiment"],
  { name, steps, traces }: { readonly name: string; readonly steps: number; readonly traces?: string },
): Parameters<typeof overlay>[1] {
  const origin = { source: "flag", flag: "--dry-run" } as const;
  const values: readonly (readonly [readonly string[], unknown])[] = [
    [["name"], name],
    [["training", "steps"], steps],
    [["evaluation", "every"], steps],
    [["checkpoint", "every"], steps],
    ...(evaluation.sample === undefined ? [] : [[["evaluation", "sample", "every"], steps] as const]),
    // Whichever engine `auto` would take: a trace is of this one.
    ...(traces !== undefined && engine.kind === "auto" ? [[["engine", "kind"], "onnx"] as const] : []),
    ...(traces === undefined ? [] : [[["engine", "profile"], traces] as const]),
  ];
  return values.map(([path, value]) => ({ path, value: value as never, origin }));
}

function watch(events: EventBus): Seen {
  const seen: Seen = { ended: [], warnings: [] };
  for (const event of [
    "run-started",
    "step-ended",
    "evaluation-ended",
    "checkpoint-saved",
    "sample-generated",
  ] as const) {
    events.on(event, (data) => ((seen as { [event: string]: unknown })[event] = data));
  }
  events.on("step-ended", () => seen.ended.push(performance.now()));
  events.on("warning", ({ message }) => seen.warnings.push(message));
  return seen;
}

function summary(
  planned: Awaited<ReturnType<typeof loadExperiment>>["experiment"],
  seen: Seen,
  steps: number,
): { readonly lines: readonly string[]; readonly data: object } {
  // Whatever ends by itself has begun, evaluated and saved.
  const [started, evaluated, saved] = [seen["run-started"]!, seen["evaluation-ended"]!, seen["checkpoint-saved"]!];
  const { training, data } = planned;
  const sample = seen["sample-generated"];
  // The last report comes with the evaluation, not when its step ends.
  const between = seen.ended.slice(1, -1).map((time, i) => time - seen.ended[i]!);
  const stepMs = Math.min(...between);
  const tokens = training.batch * data.sequenceLength;
  const peak = peakResidentBytes();
  const wanted = training.steps ?? (training.tokens === undefined ? undefined : Math.ceil(training.tokens / tokens));
  const seconds = wanted === undefined ? undefined : (wanted * stepMs) / 1000;
  const megabytes = (bytes: number): string => `${Math.round(bytes / 2 ** 20)} MB`;
  const lines = [
    `rehearsal of ${planned.name}: ${steps} steps, an evaluation, a checkpoint${sample === undefined ? "" : ", a sample"}; nothing of it is kept`,
    "",
    `model        ${formatCount(started.parameters)} parameters`,
    `step         ${training.batch} × ${data.sequenceLength} tokens, ${(started.flopsPerStep! / 1e9).toFixed(1)} GFLOP: ${stepMs.toFixed(0)} ms, ${formatCount((1000 * tokens) / stepMs)} tokens/s`,
    `compiling    ${formatDuration(started.compileMs! / 1000)}`,
    `memory       ${megabytes(started.plannedPeakBytes!)} planned for a step; this process held ${megabytes(peak)} at most`,
    `evaluation   ${formatDuration(evaluated.seconds)}: ${formatMetrics(evaluated.metrics)}`,
    `checkpoint   ${formatDuration(saved.seconds)}`,
    ...(sample === undefined ? [] : [`sample       ${JSON.stringify(sample.text.slice(0, 60))} …`]),
    ...(seconds === undefined
      ? []
      : [`training     ${wanted} steps: about ${formatDuration(seconds)}, without evaluations`]),
    ...seen.warnings.map((message) => `warning      ${message}`),
  ];
  return {
    lines,
    data: {
      parameters: started.parameters,
      flopsPerStep: started.flopsPerStep,
      stepMs,
      tokensPerSecond: (1000 * tokens) / stepMs,
      compileMs: started.compileMs,
      plannedPeakBytes: started.plannedPeakBytes,
      peakBytes: peak,
      evaluationSeconds: evaluated.seconds,
      checkpointSeconds: saved.seconds,
      trainingSeconds: seconds ?? null,
      warnings: seen.warnings,
    },
  };
}

/** One trace of all programs, each as a process of its own. */
async function joinTraces(folder: string, file: string): Promise<void> {
  const entries: object[] = [];
  const names = (await readdir(folder)).sort((a, b) => Number(a.split(/[-_]/)[1]) - Number(b.split(/[-_]/)[1]));
  for (const [pid, name] of names.entries()) {
    const trace = JSON.parse(await readFile(join(folder, name), "utf8")) as { readonly [key: string]: unknown }[];
    entries.push({ name: "process_name", ph: "M", pid, args: { name: `program ${pid + 1}` } });
    for (const entry of trace) entries.push(slice(entry, pid));
  }
  await writeFile(file, JSON.stringify({ traceEvents: entries, displayTimeUnit: "ms" }));
}

/** An entry with what people look at: ONNX Runtime names nodes by number and adds much about its memory. */
function slice({ name, args, ...entry }: { readonly [key: string]: unknown }, pid: number): object {
  const {
    op_name: op,
    input_type_shape: inputs,
    output_type_shape: outputs,
  } = (args ?? {}) as {
    readonly [key: string]: unknown;
  };
  return { ...entry, pid, name: op ?? name, ...(op === undefined ? {} : { args: { node: name, inputs, outputs } }) };
}
