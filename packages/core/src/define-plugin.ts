import type { ComponentDefinition } from "./interfaces/component.ts";

/** The version of the plug-in contract; a plug-in of another one is refused. */
export const PLUGIN_API = 1;

/** What a plug-in module exports as its default: components that a recipe can name. */
export type Plugin<Components extends readonly ComponentDefinition[] = readonly ComponentDefinition[]> = {
  /** For messages; usually the name of its package. */
  readonly name: string;
  /** The contract that it was built against: {@link PLUGIN_API}. */
  readonly api: number;
  readonly components: Components;
};

/**
 * Makes the default export of a plug-in module.
 *
 * @example
 * export default definePlugin({
 *   name: "flat-schedule",
 *   components: [defineComponent({ port: "schedule", kind: "flat", create: () => ({ rate: () => 0.001 }) })],
 * });
 */
export function definePlugin<const Components extends readonly ComponentDefinition[]>(plugin: {
  readonly name: string;
  readonly components: Components;
}): Plugin<Components> {
  return { ...plugin, api: PLUGIN_API };
}
