import type { ComponentDefinition, IOptimizer, ISchedule, Services } from "@pipe/core";
import { createComponent } from "@pipe/core";

/** Makes optimizers from configurations through a table of definitions; they ask the service `parameters`. */
export class OptimizerFactory {
  readonly #definitions: readonly ComponentDefinition[];

  /** @param definitions of which those of the port `optimizer` are used. */
  constructor(definitions: readonly ComponentDefinition[]) {
    this.#definitions = definitions;
  }

  /** @throws PipeError `component-unknown`, `config-invalid`. */
  create(config: { readonly kind: string }, services?: Services): Promise<IOptimizer> {
    return createComponent(this.#definitions, "optimizer", config, services);
  }
}

/** Makes learning-rate schedules from configurations; those with an end ask the service `steps` where it is not set. */
export class LearningRateSchedulerFactory {
  readonly #definitions: readonly ComponentDefinition[];

  /** @param definitions of which those of the port `schedule` are used. */
  constructor(definitions: readonly ComponentDefinition[]) {
    this.#definitions = definitions;
  }

  /** @throws PipeError `component-unknown`, `config-invalid`. */
  create(config: { readonly kind: string }, services?: Services): Promise<ISchedule> {
    return createComponent(this.#definitions, "schedule", config, services);
  }
}
