import type { Experiment } from "@pipe/config";
import { PipeError } from "@pipe/core";

/** What a checkpoint's tensors and positions depend on. */
const FIXED = [
  "model",
  "data",
  "optimization.optimizer",
  "training.batch",
  "training.accumulate",
  "training.overfit",
  "seed",
] as const;
/** Where things lie may change: the state names its text by hash, and a resumed run no longer reads what it started from. */
const PLACES = ["data.source.path", "data.folder", "model.from"];

/** @throws PipeError `resume-changed` naming each field that differs from the run's own configuration. */
export function checkResumable(stored: Experiment, now: Experiment): void {
  const changes = FIXED.flatMap((path) => differences(path, at(stored, path), at(now, path)));
  if (changes.length === 0) return;
  throw new PipeError("resume-changed", "The configuration differs from that of the run that it should resume.", {
    got: changes.join("; "),
    fix: "leave these fields as they were, or start a new run under another --name",
  });
}

function at(value: unknown, path: string): unknown {
  return path
    .split(".")
    .reduce<unknown>((inner, key) => (inner as { [key: string]: unknown } | undefined)?.[key], value);
}

function differences(path: string, before: unknown, now: unknown): readonly string[] {
  if (PLACES.includes(path)) return [];
  if (isRecord(before) && isRecord(now)) {
    const keys = new Set([...Object.keys(before), ...Object.keys(now)]);
    return [...keys].flatMap((key) => differences(`${path}.${key}`, before[key], now[key]));
  }
  const [a, b] = [JSON.stringify(before), JSON.stringify(now)];
  return a === b ? [] : [`${path}: ${a ?? "nothing"} in the run, ${b ?? "nothing"} now`];
}

function isRecord(value: unknown): value is { readonly [key: string]: unknown } {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
