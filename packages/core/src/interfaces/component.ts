import type { ZodType } from "zod";

/** Where a component can be plugged in. */
export type PortName =
  | "engine"
  | "model"
  | "attention"
  | "mlp"
  | "optimizer"
  | "schedule"
  | "source"
  | "tokenizer"
  | "metric"
  | "embedder"
  | "store"
  | "stage"
  | "exporter";

/** Services that a component may ask for while it is made; names are those of the container. */
export interface Services {
  /** @throws PipeError `service-unknown`. */
  get<T>(name: string): Promise<T>;
  has(name: string): boolean;
}

/** One implementation of a port: how it is configured and how it is made. */
export interface ComponentDefinition<Kind extends string = string, Config = unknown, Made = unknown> {
  readonly port: PortName;
  /** The word that a configuration uses to choose it. */
  readonly kind: Kind;
  /** Checks the configuration, `kind` included. */
  readonly schema: ZodType<Config>;
  /** Imports the heavy part on demand and makes the component. */
  create(config: Config, services: Services): Made | Promise<Made>;
}
