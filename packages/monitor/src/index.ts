/**
 * What can be known of a run: its event bus, the log of its events, its speed and progress, its metrics as series and as
 * pictures, and a page that shows it live in a browser.
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
export { newestEvents, type NewestEvents } from "./newest-events.ts";
export { MetricsCollector, type MetricPoint, type MetricsCollectorOptions } from "./metrics-collector.ts";
export type { MetricsSnapshot, RunNote } from "./metrics-snapshot.ts";
export type { SeriesPoint } from "./series.ts";
export { VisualizationEngine, type VisualizationOptions } from "./visualization-engine.ts";
export type { RunCurves } from "./drawing/panels.ts";
export { formatBytes, formatCount, formatDuration, formatInteger, formatLoss, formatPlural } from "./format-number.ts";
export { createDashboard, type Dashboard, type DashboardOptions } from "./dashboard/dashboard.ts";
export type { DashboardQuery, DashboardSearch } from "./dashboard/routes.ts";
export type { DashboardRun } from "./dashboard/run-outline.ts";
export { formatMetrics } from "./step-line.ts";
