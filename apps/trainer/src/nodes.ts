import { join } from "node:path";
import { usageError } from "./usage.ts";

/** The flags of a run on several hosts. */
export type NodeFlags = {
  readonly nodes?: string | undefined;
  readonly node?: string | undefined;
  readonly master?: string | undefined;
  readonly "secret-file"?: string | undefined;
};

/** What the flags set in a configuration; none where there are none. @throws a usage error where some are missing. */
export function nodeSettings(flags: NodeFlags): readonly string[] {
  const settings: readonly (readonly [keyof NodeFlags, string])[] = [
    ["nodes", "engine.nodes"],
    ["node", "engine.node"],
    ["master", "engine.master"],
    ["secret-file", "engine.secretFile"],
  ];
  const given = settings.filter(([flag]) => flags[flag] !== undefined);
  if (given.length === 0) return [];
  if (given.length < settings.length) {
    throw usageError("Several hosts need --nodes, --node, --master and --secret-file.");
  }
  for (const flag of ["nodes", "node"] as const)
    if (!/^\d+$/.test(flags[flag]!)) throw usageError(`--${flag} takes a whole number, and got ${flags[flag]!}.`);
  return given.map(([flag, path]) => `${path}=${flags[flag]!}`);
}

/** Where a node keeps its runs: all compute the same, so only node 0 writes where people look. */
export function runsDirOfNode(runsDir: string, { node = "0" }: NodeFlags): string {
  return node === "0" ? runsDir : join(runsDir, ".nodes", node);
}
