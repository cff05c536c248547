import type { ComponentDefinition, PortName, Ports, Services } from "@pipe/core";
import { createComponent, messageOf, PipeError } from "@pipe/core";
import type { ComponentRegistry } from "./component-registry.ts";
import type { ServiceFactory } from "./service-container.ts";

/** A module of definitions that is imported when one of its kinds is first named. */
export type DefinitionModule = {
  /** The package, as it is installed. */
  readonly package: string;
  readonly port: PortName;
  readonly kinds: readonly string[];
  readonly load: () => Promise<{ readonly definitions: readonly ComponentDefinition[] }>;
  /** How to get the package where it is missing; default `npm install <package>`. */
  readonly install?: string;
};

/** Makes components by port and kind, and imports the modules that define them on first use. */
export class ComponentFactory {
  readonly #registry: ComponentRegistry;
  readonly #modules: readonly DefinitionModule[];
  readonly #loading = new Map<DefinitionModule["load"], Promise<void>>();

  constructor(registry: ComponentRegistry, modules: readonly DefinitionModule[] = []) {
    this.#registry = registry;
    this.#modules = modules;
  }

  /** Brings the definition of a kind into the registry. @throws PipeError `component-missing`, `component-unknown`. */
  async load(port: PortName, kind: string): Promise<void> {
    if (this.#registry.find(port, kind) !== undefined) return;
    const module = this.#modules.find((each) => each.port === port && each.kinds.includes(kind));
    if (module === undefined) {
      const known = new Set([
        ...this.#registry.kinds(port),
        ...this.#modules.filter((each) => each.port === port).flatMap(({ kinds }) => kinds),
      ]);
      throw new PipeError("component-unknown", `No ${port} of this kind is known.`, {
        expected: [...known].join(", "),
        got: kind,
        where: port,
        fix: "name one of these, or the plug-in that brings it under plugins",
      });
    }
    // Kinds of one module may be loaded at the same time; one that could not be imported is tried again.
    let loading = this.#loading.get(module.load);
    if (loading === undefined) {
      loading = importModule(module).then(({ definitions }) => void this.#registry.add(definitions));
      this.#loading.set(module.load, loading);
      loading.catch(() => this.#loading.delete(module.load));
    }
    await loading;
  }

  /** Checks a configuration and makes its component. @throws PipeError `component-missing`, `component-unknown`, `config-invalid`, `component-invalid`. */
  async create<Port extends PortName>(
    port: Port,
    config: { readonly kind: string; readonly [option: string]: unknown },
    services?: Services,
  ): Promise<Ports[Port]> {
    await this.load(port, config.kind);
    return createComponent(this.#registry.definitions, port, config, services);
  }

  /** The component of a configuration as a service: `container.singleton(token, components.bind("engine", config))`. */
  bind<Port extends PortName>(
    port: Port,
    config: { readonly kind: string; readonly [option: string]: unknown },
  ): ServiceFactory<Ports[Port]> {
    return (services) => this.create(port, config, services);
  }
}

async function importModule(module: DefinitionModule): ReturnType<DefinitionModule["load"]> {
  try {
    return await module.load();
  } catch (cause) {
    if ((cause as { code?: unknown }).code !== "ERR_MODULE_NOT_FOUND") throw cause;
    throw new PipeError(
      "component-missing",
      `The ${module.port} ${module.kinds[0]!} needs a package that is not installed.`,
      {
        expected: module.package,
        got: messageOf(cause),
        fix: module.install ?? `npm install ${module.package}`,
        cause,
      },
    );
  }
}
