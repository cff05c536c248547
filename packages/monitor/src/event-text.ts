import { formatBytes, formatCount, formatDuration, formatInteger, formatLoss, formatPlural } from "./format-number.ts";
import type { Paint } from "./paint.ts";
import type { RunEvent } from "./run-event.ts";
import { formatMetrics } from "./step-line.ts";

/** What the text of an event takes from the events before it. */
export type RunSoFar = {
  /** The step at which the run began. */
  readonly begin: number;
  /** Steps skipped since then. */
  readonly skipped: number;
};

/** The lines that an event leaves behind for people, without a last line break; undefined for those that say too little. */
export function eventText(event: RunEvent, { begin, skipped }: RunSoFar, paint: Paint): string | undefined {
  switch (event.event) {
    case "documents-tokenized": {
      const { documents, tokens, bytes } = event;
      return `reading text: ${formatPlural(documents, "document")}, ${formatBytes(bytes)}, ${formatCount(tokens)} tokens`;
    }
    case "dataset-built": {
      if (event.reused) return undefined;
      return `text: ${formatCount(event.train)} tokens to train on, ${formatCount(event.validation)} to measure with`;
    }
    case "run-started": {
      const { name, parameters, engine, device, step, start, engineReason } = event;
      const weights = start === undefined ? "" : `, weights of ${visible(start)}`;
      const from = step === 0 ? weights : `, from step ${formatInteger(step)}`;
      const where = `${visible(engine)} on ${visible(device)}`;
      const chosen = engineReason === undefined ? "" : `\nengine ${visible(engineReason)}`;
      return `${paint("bold", visible(name))}: ${formatCount(parameters)} parameters, ${where}${budgetText(event)}${from}${chosen}`;
    }
    case "run-resumed":
      return `resumed at step ${formatInteger(event.step)} from ${visible(event.checkpoint)}`;
    case "run-ended": {
      const steps = `${formatPlural(event.step - begin, "step")} in ${formatDuration(event.seconds)}`;
      const lost = skipped === 0 ? "" : `, ${formatInteger(skipped)} skipped`;
      return `${paint("bold", visible(event.reason))} at step ${formatInteger(event.step)}: ${steps}${lost}`;
    }
    case "epoch-ended":
      return `epoch ${formatInteger(event.epoch + 1)} ended at step ${formatInteger(event.step)}`;
    case "step-skipped": {
      const why = `loss ${formatLoss(event.loss)}, gradient norm ${formatLoss(event.norm)}`;
      return `${paint("yellow", "skipped")} step ${formatInteger(event.step)}: ${why}`;
    }
    case "evaluation-ended": {
      const { step, metrics, seconds } = event;
      const text = `${formatMetrics(metrics)}  (${formatDuration(seconds)})`;
      return `${paint("cyan", "evaluation")} at step ${formatInteger(step)}: ${visible(text)}`;
    }
    case "sample-generated": {
      const title = `${paint("cyan", "sample")} at step ${formatInteger(event.step)}:`;
      return `${title}\n${indented(event.prompt + event.text)}`;
    }
    case "checkpoint-saved": {
      const { step, location, seconds } = event;
      const text = `${visible(location)}  (${formatDuration(seconds)})`;
      return `${paint("green", "checkpoint")} at step ${formatInteger(step)}: ${text}`;
    }
    case "checkpoint-failed":
      return `${paint("red", "checkpoint failed")} at step ${formatInteger(event.step)}: ${visible(event.message)}`;
    case "index-updated": {
      const { step, documents, chunks } = event;
      const text = `${formatPlural(documents, "document")}, ${formatPlural(chunks, "chunk")}`;
      return `${paint("green", "index")} at step ${formatInteger(step)}: ${text}`;
    }
    case "early-stopped": {
      const best = `${event.metric} got no better than ${formatLoss(event.best)}`;
      return `${paint("yellow", "early stop")} at step ${formatInteger(event.step)}: ${visible(best)}`;
    }
    case "warning":
      return `${paint("yellow", "warning")} (${visible(event.source)}): ${visible(event.message)}`;
    case "epoch-started":
    case "step-ended":
    case "documents-consumed":
      return undefined;
  }
}

function budgetText({ steps, tokens }: { readonly steps?: number; readonly tokens?: number }): string {
  const limits = [
    ...(steps === undefined ? [] : [formatPlural(steps, "step")]),
    ...(tokens === undefined ? [] : [`${formatCount(tokens)} tokens`]),
  ];
  return limits.map((limit) => `, ${limit}`).join("");
}

/** Keeps a text that came from elsewhere from moving the cursor; its further lines are indented. */
function visible(text: string): string {
  return printable(text).replaceAll("\n", "\n  ");
}

function indented(text: string): string {
  return `  ${visible(text)}`;
}

/** An untrained model writes any bytes: control characters become pictures of themselves. */
function printable(text: string): string {
  return text.replaceAll(/[^\P{Cc}\n\t]/gu, (character) => {
    const code = character.charCodeAt(0);
    return code < 0x20 ? String.fromCharCode(0x2400 + code) : "\uFFFD";
  });
}
