import { basename, relative, resolve, sep } from "node:path";
import { loadInstalled } from "@pipe/pipeline";
import type { Host } from "../host.ts";
import { type Files, writeNewFiles } from "../init/new-files.ts";
import { pluginFiles } from "../init/plugin-files.ts";
import { recipeFiles } from "../init/recipe-files.ts";
import { sourceOfText } from "../init/source-of-text.ts";
import { parseCommand, usageError } from "../usage.ts";
import { versions } from "../versions.ts";

/** `pipe init [folder] --text <files>`: a recipe of one's own. `pipe init plugin <folder>`: a plug-in's package. */
export async function init(args: readonly string[], host: Host): Promise<number> {
  const { values, positionals } = parseCommand(args, { text: { type: "string" } }, 2);
  const json = values.json === true;
  if (positionals[0] === "plugin") {
    if (values.text !== undefined) throw usageError("A plug-in is about no text: leave --text out.");
    const folder = resolve(host.cwd, positionals[1] ?? usageNamed("pipe init plugin <folder>"));
    const files = pluginFiles(packageName(folder), versions()["@pipe/trainer"]!);
    return made(host, json, folder, files, ["npm install", "npm test", "npx pipe train recipe.yaml"]);
  }
  if (positionals[1] !== undefined) throw usageError(`There is no use for ${positionals[1]}.`);
  const folder = resolve(host.cwd, positionals[0] ?? ".");
  const text = values.text === undefined ? undefined : resolve(host.cwd, values.text);
  const source =
    text === undefined
      ? { kind: "text", path: "text" }
      : { ...(await sourceOfText(text)), path: relative(folder, text).split(sep).join("/") };
  const files = recipeFiles({
    name: packageName(folder),
    source,
    schema: { ...(await loadInstalled()).config.jsonSchema(), title: "A recipe of @pipe" },
  });
  const first = text === undefined ? ["put text, as .txt files, into the folder text"] : [];
  return made(host, json, folder, files, [...first, "pipe train recipe.yaml --dry-run", "pipe train recipe.yaml"]);
}

function usageNamed(usage: string): never {
  throw usageError("The folder of the plug-in is missing.", usage);
}

/** A folder's name, as package managers and runs take it. */
function packageName(folder: string): string {
  const name = basename(folder)
    .toLowerCase()
    .replaceAll(/[^a-z0-9._-]+/g, "-")
    .replaceAll(/^[._-]+|[._-]+$/g, "");
  return name === "" ? "experiment" : name;
}

async function made(
  host: Host,
  json: boolean,
  folder: string,
  files: Files,
  steps: readonly string[],
): Promise<number> {
  await writeNewFiles(folder, files);
  const names = Object.keys(files);
  if (json) host.stdout.write(`${JSON.stringify({ folder, files: names })}\n`);
  else {
    host.stdout.write(`${folder}\n${names.map((name) => `  ${name}\n`).join("")}\nnow, in that folder:\n`);
    host.stdout.write(steps.map((step) => `  ${step}\n`).join(""));
  }
  return 0;
}
