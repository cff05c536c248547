import type { IDataSource, ITokenizer } from "./interfaces/data.ts";
import type { Token } from "./interfaces/component.ts";
import type { IEngine } from "./interfaces/engine.ts";
import type { IEmbedder } from "./interfaces/indexer.ts";
import type { IModel, ParameterSpec } from "./interfaces/model.ts";

/**
 * Names a service and its type. Tokens of the same name are the same service.
 *
 * @example
 * const clock = token<{ now(): number }>("clock");
 * const { now } = await services.get(clock);
 */
export function token<T>(name: string): Token<T> {
  return name as Token<T>;
}

/** The services that every component may ask for in a run. */
export const serviceTokens = {
  engine: token<IEngine>("engine"),
  source: token<IDataSource>("source"),
  tokenizer: token<ITokenizer>("tokenizer"),
  model: token<IModel>("model"),
  /** Those of the model. */
  parameters: token<readonly ParameterSpec[]>("parameters"),
  /** Updates that the training budget allows; infinite where it is bounded otherwise. */
  steps: token<number>("steps"),
  /** Folder for what can be fetched or made again, beside the runs. */
  cacheFolder: token<string>("cacheFolder"),
  /** Vectors by the model of the run, for its index. */
  modelEmbedder: token<IEmbedder>("modelEmbedder"),
  /** Folder for the graphs of the run's index. */
  graphFolder: token<string>("graphFolder"),
} as const;
