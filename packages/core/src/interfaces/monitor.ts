import type { Json } from "../json.ts";
import type { IEventBus } from "./events.ts";

/** What a monitor knows now. */
export type MonitorSnapshot = { readonly [name: string]: Json };

/** Watches a run through its events. */
export interface IMonitor {
  attach(bus: IEventBus): Disposable;
  snapshot(): MonitorSnapshot;
}
