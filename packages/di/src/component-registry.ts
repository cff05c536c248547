import type { ComponentDefinition, PortName } from "@pipe/core";
import { PipeError } from "@pipe/core";

/** Collects the definitions of all packages and plug-ins. */
export class ComponentRegistry {
  readonly #definitions: ComponentDefinition[] = [];

  /** Adds definitions. @throws PipeError `component-duplicate` where port and kind are taken. */
  add(definitions: readonly ComponentDefinition[]): this {
    for (const definition of definitions) {
      const { port, kind } = definition;
      if (this.find(port, kind) !== undefined) {
        throw new PipeError("component-duplicate", "Two components have the same port and kind.", {
          got: `${port} ${kind}`,
          fix: "give the kind of one of them another name",
        });
      }
      this.#definitions.push(definition);
    }
    return this;
  }

  /** The definition of a kind, if there is one. */
  find(port: PortName, kind: string): ComponentDefinition | undefined {
    return this.#definitions.find((definition) => definition.port === port && definition.kind === kind);
  }

  /** All definitions, in the order in which they came. */
  get definitions(): readonly ComponentDefinition[] {
    return this.#definitions;
  }

  /** The kinds that a port has. */
  kinds(port: PortName): readonly string[] {
    return this.#definitions.filter((definition) => definition.port === port).map(({ kind }) => kind);
  }
}
