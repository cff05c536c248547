import { spawnSync } from "node:child_process";

/** What one round of a contender prints as its last line. */
export type Round = { readonly times: readonly number[]; readonly memory: number };

/** Runs a program to its end and gives what it printed. */
export function output(command: string, args: readonly string[]): string {
  const { status, stdout, stderr } = spawnSync(command, args, { encoding: "utf8", maxBuffer: 2 ** 26 });
  if (status !== 0) throw new Error(`${command} ${args.join(" ")} failed:\n${stderr}`);
  return stdout;
}

/** The round that a text ends with. */
export function lastLine(text: string): Round {
  return JSON.parse(text.trim().split("\n").at(-1)!) as Round;
}
