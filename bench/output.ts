import { spawnSync } from "node:child_process";

/** What a command prints. @throws Error with what it said where it fails. */
export function output(command: string, args: readonly string[]): string {
  const { status, stdout, stderr } = spawnSync(command, args, { encoding: "utf8", maxBuffer: 2 ** 26 });
  if (status !== 0) throw new Error(`${command} ${args.join(" ")} failed:\n${stderr}`);
  return stdout;
}

/** The JSON that a command prints as its last line. */
export function lastJson<T>(command: string, args: readonly string[]): T {
  return JSON.parse(output(command, args).trim().split("\n").at(-1)!) as T;
}
