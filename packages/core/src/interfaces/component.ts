import type { ZodType } from "zod";
import type { IDataSource, ITokenizer } from "./data.ts";
import type { IEngine } from "./engine.ts";
import type { IEmbedder } from "./indexer.ts";
import type { IMetric } from "./metric.ts";
import type { IModel } from "./model.ts";
import type { IOptimizer, ISchedule } from "./optimizer.ts";
import type { IStage } from "./run.ts";
import type { IVectorStore } from "./vector-store.ts";

/** Where a component can be plugged in, and what is made there. */
export interface Ports {
  engine: IEngine;
  model: IModel;
  attention: unknown;
  mlp: unknown;
  optimizer: IOptimizer;
  schedule: ISchedule;
  source: IDataSource;
  tokenizer: ITokenizer;
  metric: IMetric;
  embedder: IEmbedder;
  store: IVectorStore;
  stage: IStage;
  exporter: unknown;
}

/** The name of a port. */
export type PortName = keyof Ports;

declare const held: unique symbol;

/** The name of a service together with its type; made by `token`. */
export type Token<T> = string & { readonly [held]: (value: T) => T };

/** Services that a component may ask for while it is made. */
export interface Services {
  /** @throws PipeError `service-unknown`. */
  get<T>(token: Token<T>): Promise<T>;
  get<T>(name: string): Promise<T>;
  has(name: string): boolean;
}

/** One implementation of a port: how it is configured and how it is made. */
export interface ComponentDefinition<Kind extends string = string, Config = unknown, Made = unknown> {
  readonly port: PortName;
  /** The word that a configuration uses to choose it. */
  readonly kind: Kind;
  /** Checks the configuration, `kind` included; without it the kind has no options. */
  readonly schema?: ZodType<Config>;
  /** Imports the heavy part on demand and makes the component. */
  create(config: Config, services: Services): Made | Promise<Made>;
}

/**
 * The definitions that a program knows at compile time, by package: recipes complete from them in an editor. A package
 * adds its own with `declare module "@pipe/core" { interface InstalledDefinitions { "its name": typeof definitions } }`.
 */
// oxlint-disable-next-line typescript/no-empty-interface typescript/no-empty-object-type
export interface InstalledDefinitions {}
