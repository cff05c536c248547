import { join } from "node:path";
import type { IEventBus } from "@pipe/core";
import type { ServiceContainer } from "@pipe/di";
import { cacheFolder } from "@pipe/engine-xla/plugins";
import { EventBus } from "@pipe/monitor";
import { compose, type LoadedExperiment } from "@pipe/pipeline";
import type { Host } from "./host.ts";

/** What a command that trains nothing says about the parts that it asks for. */
type PartsOptions = {
  readonly host: Host;
  /** Folder of all runs, where token shards are kept. */
  readonly runsDir: string;
  /** The checkpoints of a run; default none. */
  readonly checkpoints?: string;
  readonly events?: IEventBus;
  readonly signal?: AbortSignal;
};

/** Gives a command the parts of an experiment, each made when it is asked for, and closes them afterwards. */
export async function withParts<T>(
  { experiment, components }: LoadedExperiment,
  { host, runsDir, checkpoints = "", events = new EventBus(), signal = new AbortController().signal }: PartsOptions,
  use: (parts: ServiceContainer) => Promise<T>,
): Promise<T> {
  const container = compose(experiment, {
    components,
    events,
    checkpoints,
    cache: join(runsDir, ".data"),
    cacheFolder: cacheFolder(host.env),
    signal,
  });
  try {
    return await use(container.scope());
  } finally {
    await container[Symbol.asyncDispose]();
  }
}
