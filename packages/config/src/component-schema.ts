import type { ComponentDefinition, PortName } from "@pipe/core";
import { z } from "zod";

/** A configured component: its kind and whatever its own schema holds. */
export type ComponentConfig = { readonly kind: string; readonly [option: string]: unknown };

/** Checks a component of a port. */
export type ComponentSchema = z.ZodType<ComponentConfig, ComponentConfig>;

/** The schema of a port: one alternative for each known kind, with `common` fields beside its own. */
export function componentSchema(
  definitions: readonly ComponentDefinition[],
  port: PortName,
  common: z.ZodRawShape = {},
): ComponentSchema {
  const schemas = definitions
    .filter((definition) => definition.port === port)
    .map(({ kind, schema = z.strictObject({ kind: z.literal(kind) }) }) => schema);
  const [first, ...rest] = (schemas as unknown as z.ZodObject<{ kind: z.ZodLiteral<string> }>[]).map((schema) =>
    Object.keys(common).length === 0 ? schema : schema.safeExtend(common),
  );
  if (first === undefined) {
    const none = z.looseObject({ kind: z.string() });
    return none.refine(() => false, { error: `a component, but no ${port} is known` }) as unknown as ComponentSchema;
  }
  return z.discriminatedUnion("kind", [first, ...rest]) as unknown as ComponentSchema;
}
