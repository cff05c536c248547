import type { EventMap, IEventBus } from "@pipe/core";

/** Any event of a run with its name: a union that `event` tells apart. */
export type RunEvent = { [E in keyof EventMap]: { readonly event: E } & EventMap[E] }[keyof EventMap];

// A record and not a list, so that an event that joins core's map must join here too.
const known: { readonly [E in keyof EventMap]: true } = {
  "documents-tokenized": true,
  "dataset-built": true,
  "run-started": true,
  "run-resumed": true,
  "run-ended": true,
  "epoch-started": true,
  "epoch-ended": true,
  "step-ended": true,
  "step-skipped": true,
  "evaluation-ended": true,
  "sample-generated": true,
  "checkpoint-saved": true,
  "checkpoint-failed": true,
  "documents-consumed": true,
  "index-updated": true,
  "early-stopped": true,
  warning: true,
};

/** Subscribes one listener to every event of core's event map. */
export function onEveryEvent(bus: IEventBus, listener: (event: RunEvent) => void): Disposable {
  const names = Object.keys(known) as (keyof EventMap)[];
  const subscriptions = names.map((event) => bus.on(event, (data) => listener({ event, ...data } as RunEvent)));
  return endAll(subscriptions);
}

/** Joins subscriptions into one. */
export function endAll(subscriptions: readonly Disposable[]): Disposable {
  return {
    [Symbol.dispose]: () => {
      for (const subscription of subscriptions) subscription[Symbol.dispose]();
    },
  };
}
