import type { ComponentDefinition, IModel, Services } from "@pipe/core";
import { createComponent } from "@pipe/core";

/** Makes models from configurations through a table of definitions. */
export class ModelFactory {
  readonly #definitions: readonly ComponentDefinition[];

  /** @param definitions of which those of the port `model` are used. */
  constructor(definitions: readonly ComponentDefinition[]) {
    this.#definitions = definitions;
  }

  /** Checks the configuration and makes the model. @throws PipeError `component-unknown`, `config-invalid`. */
  create(config: { readonly kind: string }, services?: Services): Promise<IModel> {
    return createComponent(this.#definitions, "model", config, services);
  }
}
