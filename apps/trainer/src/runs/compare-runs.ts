import type { Json } from "@pipe/core";
import { formatCount, formatDuration, formatInteger, formatLoss } from "@pipe/monitor";
import type { Host } from "../host.ts";
import { type PictureFlags, terminalCurves, writePictures } from "./pictures.ts";
import { figuresOf, readRun, type RunFigures } from "./run-figures.ts";
import { table } from "./table.ts";

/** `pipe runs compare <run> <run> …`: curves, figures and the settings that differ, and pictures of the curves. */
export async function compareRuns(paths: readonly string[], host: Host, flags: PictureFlags): Promise<number> {
  const read = await Promise.all(paths.map(readRun));
  const unique = new Set(read.map(({ name }) => name)).size === read.length;
  // Runs of the same name lie in different folders.
  const runs = unique ? read : read.map((each) => ({ ...each, name: each.run.path }));
  const figures = runs.map(figuresOf);
  const differing = differences(runs.map(({ run }) => run.info.config));
  if (flags.json) {
    for (const [i, each] of figures.entries()) {
      const settings = Object.fromEntries(differing.map(([path, values]) => [path, values[i] ?? null]));
      host.stdout.write(`${JSON.stringify({ ...each, settings })}\n`);
    }
  } else {
    host.stdout.write(terminalCurves(runs, host));
    host.stdout.write(table([HEAD, ...figures.map(row)], 2));
    const rows = differing.map(([path, values]) => [path, ...values.map((value) => JSON.stringify(value) ?? "–")]);
    if (rows.length > 0) {
      host.stdout.write(`\n${table([["settings that differ", ...runs.map(({ name }) => name)], ...rows], 1)}`);
    }
  }
  await writePictures(runs, host, flags);
  return 0;
}

const HEAD = ["", "run", "steps", "tokens", "parameters", "training", "validation", "best", "tok/s", "time"];

function row(run: RunFigures, index: number): string[] {
  const { name, step, tokens, parameters, loss, metrics, best, tokensPerSecond, seconds } = run;
  const or = (value: number | null | undefined, format: (value: number) => string): string =>
    value === null || value === undefined ? "–" : format(value);
  return [
    String.fromCharCode(97 + (index % 26)), // the letter that marks its curves
    name,
    formatInteger(step),
    formatCount(tokens),
    or(parameters, formatCount),
    or(loss, formatLoss),
    or(metrics["loss"], formatLoss),
    or(best?.loss, formatLoss),
    or(tokensPerSecond, formatCount),
    formatDuration(seconds),
  ];
}

type Leaf = Exclude<Json, object> | readonly Json[] | undefined;

/** The settings that are not the same in all configurations, by their paths; the name always differs and says nothing. */
function differences(configs: readonly Json[]): readonly (readonly [path: string, values: readonly Leaf[]])[] {
  const leaves = configs.map((config) => new Map(leavesOf(config, "")));
  const paths = [...new Set(leaves.flatMap((each) => [...each.keys()]))].filter((path) => path !== "name").sort();
  return paths
    .map((path) => [path, leaves.map((each) => each.get(path))] as const)
    .filter(([, values]) => new Set(values.map((value) => JSON.stringify(value))).size > 1);
}

function leavesOf(value: Json, path: string): [string, Leaf][] {
  if (value === null || typeof value !== "object" || Array.isArray(value)) return [[path, value as Leaf]];
  return Object.entries(value).flatMap(([key, inner]) => leavesOf(inner, path === "" ? key : `${path}.${key}`));
}
