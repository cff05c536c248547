import { existsSync } from "node:fs";
import { resolve } from "node:path";
import { nearest } from "@pipe/core";
import type { Command } from "../cli.ts";
import { addFolder } from "../index/add-folder.ts";
import { unknownCommand } from "../usage.ts";

const maintain = () => import("../index/maintain.ts");

const actions: { readonly [name: string]: () => Promise<Command> } = {
  add: () => Promise.resolve(addFolder),
  status: async () => (await maintain()).indexStatus,
  retry: async () => (await maintain()).indexRetry,
  verify: async () => (await maintain()).indexVerify,
  repair: async () => (await maintain()).indexRepair,
  compact: async () => (await maintain()).indexCompact,
  export: async () => (await maintain()).indexExport,
  import: async () => (await maintain()).indexImport,
  evaluate: async () => (await import("../index/evaluate.ts")).evaluateIndex,
  serve: async () => (await import("../index/serve.ts")).serveIndex,
};

const names = Object.keys(actions);

/** `pipe index <folder>`, or one of its actions; a folder with the name of an action is written with `./`. */
export const indexFolder: Command = async (args, host) => {
  const [first, second] = args;
  if (first !== undefined && Object.hasOwn(actions, first)) return (await actions[first]!())(args.slice(1), host);
  const isWord = first !== undefined && /^[a-z]+$/.test(first);
  const isAlone = second === undefined || second.startsWith("-");
  if (isWord && !(isAlone && (existsSync(resolve(host.cwd, first)) || nearest(first, names) === undefined)))
    throw unknownCommand(first, names, "index");
  return addFolder(args, host);
};
