import { PipeError } from "./error.ts";
import type { ComponentDefinition, PortName, Ports, Services } from "./interfaces/component.ts";

/** Services for components that need none. */
const noServices: Services = {
  has: () => false,
  get: (name: string) =>
    Promise.reject(
      new PipeError("service-unknown", "A component asks for a service that was not given.", { got: name }),
    ),
};

/**
 * Finds the definition of a configured kind, checks the configuration and makes the component.
 * @throws PipeError `component-unknown` listing the known kinds, `config-invalid`, `component-invalid` where none was made.
 */
export async function createComponent<Port extends PortName>(
  definitions: readonly ComponentDefinition[],
  port: Port,
  config: { readonly kind: string; readonly [option: string]: unknown },
  services: Services = noServices,
): Promise<Ports[Port]> {
  const candidates = definitions.filter((definition) => definition.port === port);
  const definition = candidates.find(({ kind }) => kind === config.kind);
  if (definition === undefined) {
    throw new PipeError("component-unknown", `No ${port} of this kind is known.`, {
      expected: candidates.map(({ kind }) => kind).join(", "),
      got: config.kind,
      where: port,
    });
  }
  const made = (await definition.create(checked(definition, config), services)) as Ports[Port] | null | undefined;
  if (made !== undefined && made !== null) return made;
  throw new PipeError("component-invalid", `The ${port} ${config.kind} was not made.`, {
    expected: "`create` of its definition to return the component",
    got: String(made),
    where: `${port} ${config.kind}`,
  });
}

function checked(
  { port, kind, schema }: ComponentDefinition,
  config: { readonly kind: string; readonly [option: string]: unknown },
): unknown {
  const result = schema?.safeParse(config);
  if (result?.success === true) return result.data;
  const issues =
    result === undefined
      ? Object.keys(config).flatMap((key) => (key === "kind" ? [] : [`${port}.${key}: this kind has no options`]))
      : result.error.issues.map(({ path, message }) => `${[port, ...path].join(".")}: ${message}`);
  if (issues.length === 0) return config;
  throw new PipeError("config-invalid", `The configuration of the ${port} ${kind} is invalid.`, {
    got: issues.join("; "),
  });
}
