import type { ZodType } from "zod";
import type { PortName, Ports, Services } from "./interfaces/component.ts";

/** A component whose options a zod schema describes, `kind` included. */
export type ConfiguredComponent<Port extends PortName, Kind extends string, Schema extends ZodType, Made> = {
  readonly port: Port;
  readonly kind: Kind;
  readonly schema: Schema;
  create(config: Schema["_output"], services: Services): Made | Promise<Made>;
};

/** A component without options. */
export type PlainComponent<Port extends PortName, Kind extends string, Made> = {
  readonly port: Port;
  readonly kind: Kind;
  create(config: { readonly kind: Kind }, services: Services): Made | Promise<Made>;
};

/**
 * Returns a definition as it is, with its types inferred: `create` gets what the schema gives, and must make what the
 * port asks for.
 *
 * @example
 * defineComponent({ port: "schedule", kind: "flat", create: () => ({ rate: () => 0.001 }) });
 */
export function defineComponent<
  const Port extends PortName,
  const Kind extends string,
  Schema extends ZodType<{ readonly kind: Kind }>,
  Made extends Ports[Port],
>(definition: ConfiguredComponent<Port, Kind, Schema, Made>): ConfiguredComponent<Port, Kind, Schema, Made>;
export function defineComponent<const Port extends PortName, const Kind extends string, Made extends Ports[Port]>(
  definition: PlainComponent<Port, Kind, Made>,
): PlainComponent<Port, Kind, Made>;
export function defineComponent<T>(definition: T): T {
  return definition;
}
