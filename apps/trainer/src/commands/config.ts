import { explain } from "@pipe/config";
import { loadExperiment, loadInstalled, withStart } from "@pipe/pipeline";
import { partsChart, partsOf, partsTable } from "../config-graph.ts";
import { explainedTable } from "../explained-table.ts";
import type { Host } from "../host.ts";
import { findRecipe, overlaid } from "../recipes.ts";
import { parseCommand, unknownCommand, usageError } from "../usage.ts";

/** What an action needs. */
type Request = {
  readonly host: Host;
  readonly recipe: string | undefined;
  readonly set: readonly string[];
  readonly json: boolean;
  readonly mermaid: boolean;
};

const actions: { readonly [name: string]: (request: Request) => Promise<void> } = {
  schema,
  show,
  explain: explainRecipe,
  graph,
};

/** `pipe config schema|show|explain|graph [recipe]`. */
export async function config(args: readonly string[], host: Host): Promise<number> {
  const { values, positionals } = parseCommand(
    args,
    { set: { type: "string", multiple: true }, mermaid: { type: "boolean" } },
    2,
  );
  const [name, recipe] = positionals;
  if (name === undefined) throw usageError(`The config command is missing: ${Object.keys(actions).join(", ")}.`);
  const action = Object.hasOwn(actions, name) ? actions[name] : undefined;
  if (action === undefined) throw unknownCommand(name, Object.keys(actions), "config");
  const { set = [], json = false, mermaid = false } = values;
  await action({ host, recipe, set, json, mermaid });
  return 0;
}

/** Prints JSON Schema; what is not installed stands in its comment and on stderr. */
async function schema({ host, recipe, set, json }: Request): Promise<void> {
  const { raw, origins } = recipe === undefined ? { raw: {}, origins: new Map() } : await load(host, recipe, set);
  const { config, missing } = await loadInstalled(raw, { origins, from: host.cwd });
  const notes = missing.map(
    ({ port, kinds, package: name, install }) =>
      `${port} ${kinds.join(", ")} is not installed: ${install ?? `npm install ${name}`}`,
  );
  for (const note of notes) host.stderr.write(`note: ${note}\n`);
  const comment = notes.length === 0 ? {} : { $comment: notes.join("; ") };
  print(host, json, { ...config.jsonSchema(), title: "A recipe of @pipe", ...comment });
}

/** Prints the experiment as it would run. */
async function show({ host, recipe = "quick", set, json }: Request): Promise<void> {
  const { raw, origins } = await load(host, recipe, set);
  print(host, json, (await loadExperiment(raw, { origins, from: host.cwd })).experiment);
}

/** Prints every field with where its value came from. */
async function explainRecipe({ host, recipe = "quick", set, json }: Request): Promise<void> {
  const config = await load(host, recipe, set);
  const { experiment } = await loadExperiment(config.raw, { origins: config.origins, from: host.cwd });
  const fields = explain(experiment, config);
  if (json) for (const field of fields) host.stdout.write(`${JSON.stringify(field)}\n`);
  else host.stdout.write(explainedTable(fields));
}

/** Prints the parts that a recipe is made of, who makes them, and what they need. */
async function graph({ host, recipe = "quick", set, json, mermaid }: Request): Promise<void> {
  const { raw, origins } = await load(host, recipe, set);
  const parts = partsOf((await loadExperiment(raw, { origins, from: host.cwd })).experiment);
  if (json) for (const part of parts) host.stdout.write(`${JSON.stringify(part)}\n`);
  else host.stdout.write(mermaid ? partsChart(parts) : partsTable(parts));
}

async function load(host: Host, recipe: string, set: readonly string[]): ReturnType<typeof findRecipe> {
  return withStart(overlaid(await findRecipe(recipe, host.cwd), host, set), host.cwd);
}

function print(host: Host, json: boolean, value: unknown): void {
  host.stdout.write(`${JSON.stringify(value, null, json ? undefined : 2)}\n`);
}
