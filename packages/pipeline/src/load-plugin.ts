import { existsSync } from "node:fs";
import { pathToFileURL } from "node:url";
import { recipePorts } from "@pipe/config";
import { type ComponentDefinition, messageOf, PipeError, type Plugin, PLUGIN_API } from "@pipe/core";
import { builtInModules } from "./modules.ts";
import { pluginFile } from "./plugin-file.ts";

/** A plug-in as a configuration names it. */
export type PluginReference = {
  readonly name: string;
  /** The folder that it is looked for from. */
  readonly folder: string;
  /** Where it is named, for messages: `notes.yaml:3:11`. */
  readonly place?: string;
};

/**
 * Imports a plug-in and checks what it exports.
 * @throws PipeError `plugin-missing`, `plugin-invalid`, `plugin-incompatible`, `component-duplicate`.
 */
export async function loadPlugin({ name, folder, place }: PluginReference): Promise<Plugin> {
  const where = place === undefined ? name : `${name}, named by ${place}`;
  const module = await importFile(pluginFile(name, folder, where), where);
  const plugin = module["default"];
  if (!isRecord(plugin) || !("api" in plugin)) {
    const named = Object.keys(module).join(", ") || "nothing";
    throw new PipeError("plugin-invalid", "A plug-in exports something else.", {
      expected: "export default definePlugin({ name, components: […] })",
      got: plugin === undefined ? `no default; exported: ${named}` : "a default that definePlugin did not make",
      where,
    });
  }
  if (plugin["api"] !== PLUGIN_API) {
    const older = typeof plugin["api"] === "number" && plugin["api"] < PLUGIN_API;
    throw new PipeError("plugin-incompatible", "A plug-in is made for another version of @pipe.", {
      expected: `plug-in API ${PLUGIN_API}`,
      got: `plug-in API ${String(plugin["api"])}`,
      where,
      fix: older ? "install a newer version of the plug-in" : "install a newer version of @pipe, or an older plug-in",
    });
  }
  const { components } = plugin;
  if (!Array.isArray(components)) throw wrong(where, "components: […]", typeof components);
  components.forEach((each: unknown, i) => checkComponent(each, `${where}, component ${i + 1}`));
  return plugin as unknown as Plugin;
}

async function importFile(file: string, where: string): Promise<{ readonly [name: string]: unknown }> {
  if (!existsSync(file)) {
    throw new PipeError("plugin-missing", "There is no such plug-in.", { expected: `the file ${file}`, where });
  }
  try {
    return (await import(pathToFileURL(file).href)) as { readonly [name: string]: unknown };
  } catch (cause) {
    const [, needed] = /Cannot find package '([^']+)'/.exec(messageOf(cause)) ?? [];
    throw new PipeError("plugin-invalid", "A plug-in cannot be loaded.", {
      got: messageOf(cause),
      where,
      ...(needed === undefined ? {} : { fix: `npm install ${needed}` }),
      cause,
    });
  }
}

function checkComponent(component: unknown, where: string): void {
  if (!isRecord(component)) throw wrong(where, "an object", typeof component);
  const { port, kind, create } = component;
  if (!recipePorts.includes(port as never)) throw wrong(where, `port: one of ${recipePorts.join(", ")}`, String(port));
  if (typeof kind !== "string" || kind === "") throw wrong(where, "kind: a word that recipes use", String(kind));
  if (typeof create !== "function") throw wrong(where, "create: a function", typeof create);
  checkSchema(component as unknown as ComponentDefinition, where);
  if (builtInModules.some((each) => each.port === port && each.kinds.includes(kind))) {
    throw new PipeError("component-duplicate", "A plug-in brings a kind that is built in.", {
      got: `${String(port)} ${kind}`,
      where,
      fix: "give it another kind",
    });
  }
}

/** A recipe is told apart by `kind`, so the schema must know its own. */
function checkSchema({ schema, kind }: ComponentDefinition, where: string): void {
  if (schema === undefined) return;
  const expected = `schema: z.strictObject({ kind: z.literal(${JSON.stringify(kind)}), … })`;
  if (typeof schema.safeParse !== "function") throw wrong(where, expected, typeof schema);
  const complains = (value: object): boolean =>
    schema.safeParse(value).error?.issues.some(({ path }) => path[0] === "kind") ?? false;
  if (complains({ kind }) || !complains({})) throw wrong(where, expected, "a schema that takes another kind");
}

function wrong(where: string, expected: string, got: string): PipeError {
  return new PipeError("plugin-invalid", "A plug-in has another shape.", { expected, got, where });
}

function isRecord(value: unknown): value is { readonly [key: string]: unknown } {
  return typeof value === "object" && value !== null;
}
