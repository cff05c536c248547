import { parseArgs, type ParseArgsConfig } from "node:util";
import { messageOf, nearest, PipeError } from "@pipe/core";
import type { CheckpointName } from "@pipe/persist";

type Options = NonNullable<ParseArgsConfig["options"]>;

/** Options that every command has. */
const commonOptions = {
  json: { type: "boolean" },
  help: { type: "boolean", short: "h" },
  "runs-dir": { type: "string", default: "runs" },
} as const satisfies Options;

/** Parses a command's arguments. @throws PipeError `usage`. */
export function parseCommand<const T extends Options>(args: readonly string[], options: T, positionals: number) {
  let parsed: ReturnType<
    typeof parseArgs<{ options: T & typeof commonOptions; allowPositionals: true; args: string[] }>
  >;
  const all = { ...commonOptions, ...options };
  try {
    parsed = parseArgs({ args: [...args], options: all, allowPositionals: true });
  } catch (cause) {
    throw usageError(unknownFlag(cause, Object.keys(all)) ?? messageOf(cause));
  }
  if (parsed.positionals.length > positionals) throw usageError(`There is no use for ${parsed.positionals.at(-1)!}.`);
  return parsed;
}

/** What parseArgs says of a flag that it does not know, in our words. */
function unknownFlag(cause: unknown, known: readonly string[]): string | undefined {
  const flag = /^Unknown option '(?<flag>--?[^' ]+)'/.exec(messageOf(cause))?.groups?.["flag"];
  if (flag === undefined) return undefined;
  const near = nearest(flag.replace(/^-+/, ""), known);
  return `There is no flag ${flag}${near === undefined ? "" : ` (did you mean --${near}?)`}.`;
}

/** An error of the command line: exit code 2. Without a fix, it is said where the command's help stands. */
export function usageError(summary: string, fix?: string): PipeError {
  return new PipeError("usage", summary, fix === undefined ? {} : { fix });
}

/** Says that a word is no command, or no command of a group such as `runs`, and which one may be meant. */
export function unknownCommand(word: string, known: readonly string[], group?: string): PipeError {
  const near = nearest(word, known);
  const meant = near === undefined ? `: ${known.join(", ")}` : ` (did you mean ${JSON.stringify(near)}?)`;
  return usageError(`There is no ${group === undefined ? "" : `${group} `}command ${JSON.stringify(word)}${meant}.`);
}

/** A flag that is a number. @throws PipeError `usage`. */
export function numberFlag(name: string, value: string | undefined): number | undefined {
  if (value === undefined) return undefined;
  const number = Number(value);
  if (value.trim() !== "" && Number.isFinite(number)) return number;
  throw usageError(`--${name} needs a number, and got ${JSON.stringify(value)}.`);
}

/** A flag that is a whole number, not below a least one. @throws PipeError `usage`. */
export function wholeFlag(name: string, value: string, least = Number.MIN_SAFE_INTEGER): number {
  const number = numberFlag(name, value)!;
  if (Number.isSafeInteger(number) && number >= least) return number;
  throw usageError(`--${name} needs a whole number${least > 0 ? ` from ${least} on` : ""}, and got ${value}.`);
}

/** A flag that names a checkpoint: `best`, `newest` or a step. @throws PipeError `usage`. */
export function checkpointFlag(value: string | undefined): CheckpointName | undefined {
  if (value === undefined || value === "best" || value === "newest") return value;
  if (/^\d+$/.test(value)) return Number(value);
  throw usageError(`--checkpoint needs best, newest or the number of a step, and got ${JSON.stringify(value)}.`);
}

const ENGINES = ["onnx", "xla", "tfjs", "auto"];

/** A flag that names an engine. @throws PipeError `usage`. */
export function engineFlag(value: string | undefined): string | undefined {
  if (value === undefined || ENGINES.includes(value)) return value;
  throw usageError(`--engine is one of ${ENGINES.join(", ")}, and got ${JSON.stringify(value)}.`);
}

/** A flag that must be given. @throws PipeError `usage`. */
export function required(name: string, value: string | undefined): string {
  if (value === undefined || value === "") throw usageError(`${name} is missing.`);
  return value;
}
