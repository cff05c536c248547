import { PipeError } from "./error.ts";
import type { ComponentDefinition, PortName, Services } from "./interfaces/component.ts";

/** Services for components that need none. */
const noServices: Services = {
  has: () => false,
  get: (name) =>
    Promise.reject(
      new PipeError("service-unknown", "A component asks for a service that was not given.", { got: name }),
    ),
};

/**
 * Finds the definition of a configured kind, checks the configuration and makes the component.
 * @throws PipeError `component-unknown` listing the known kinds, `config-invalid`.
 */
export async function createComponent<Made>(
  definitions: readonly ComponentDefinition[],
  port: PortName,
  config: { readonly kind: string },
  services: Services = noServices,
): Promise<Made> {
  const candidates = definitions.filter((definition) => definition.port === port);
  const definition = candidates.find(({ kind }) => kind === config.kind);
  if (definition === undefined) {
    throw new PipeError("component-unknown", `No ${port} of this kind is known.`, {
      expected: candidates.map(({ kind }) => kind).join(", "),
      got: config.kind,
      where: port,
    });
  }
  const checked = definition.schema.safeParse(config);
  if (!checked.success) {
    const issues = checked.error.issues.map(({ path, message }) => `${[port, ...path].join(".")}: ${message}`);
    throw new PipeError("config-invalid", `The configuration of the ${port} ${config.kind} is invalid.`, {
      got: issues.join("; "),
    });
  }
  return (await definition.create(checked.data, services)) as Made;
}
