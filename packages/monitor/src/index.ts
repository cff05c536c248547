/**
 * What can be known of a run while it trains: its event bus, the log of its events, its speed and its progress.
 *
 * @packageDocumentation
 */
export { EventBus } from "./event-bus.ts";
export { onEveryEvent, type RunEvent } from "./run-event.ts";
export { EventLog, type EventLogOptions } from "./event-log.ts";
export type { LoggedEvent } from "./event-lines.ts";
export { readEvents } from "./read-events.ts";
export { cutEvents } from "./cut-events.ts";
export { PerformanceTracker, type PerformanceSnapshot } from "./performance-tracker.ts";
export { ProgressReporter, type ProgressReporterOptions } from "./progress-reporter.ts";
export type { DisplayOutput } from "./display.ts";
