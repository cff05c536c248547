import { definedOnly, PipeError } from "@pipe/core";
import { newestEvents } from "../newest-events.ts";

/** A run that a dashboard shows. */
export type DashboardRun = {
  readonly name: string;
  /** Its log, `<run>/events.jsonl`; it need not be there yet. */
  readonly events: string;
  /** Whether its text can be searched. */
  readonly searchable: boolean;
  /** Where its weights came from, in a run that no training made. */
  readonly imported?: string;
  /** Why the run cannot be read, where it cannot. */
  readonly damaged?: string;
};

/** The list is asked for every few seconds: of a long log only the end is read. */
const REACH = 1 << 20;

/** A run as the list shows it: the end of its log tells. */
export async function outlineOf({ name, events, searchable, imported, damaged }: DashboardRun): Promise<object> {
  if (damaged !== undefined) return { name, searchable: false, damaged };
  const about = { name, searchable, ...definedOnly({ imported }) };
  try {
    const { step, evaluation, ended, time } = await newestEvents(events, { reach: REACH });
    const figures = {
      step: step?.step ?? 0,
      loss: step?.loss ?? null,
      validation: evaluation?.metrics["loss"] ?? null,
    };
    return { ...about, ...figures, ended: ended ?? null, time: time ?? null };
  } catch (error) {
    if (!PipeError.is(error)) throw error;
    // A run that has not written its first event has no log.
    const missing = (error.cause as { readonly code?: unknown } | undefined)?.code === "ENOENT";
    if (missing) return { ...about, step: 0, loss: null, validation: null, ended: null, time: null };
    return { name, searchable: false, damaged: error.message };
  }
}
