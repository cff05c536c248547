import type { EventMap } from "@pipe/core";
import type { LoggedEvent } from "./event-lines.ts";

/** A report of a step with 1,000 targets. */
export function report(step: number, over: Partial<EventMap["step-ended"]> = {}): EventMap["step-ended"] {
  const figures = { epoch: 0, loss: 1 + 3 / step, rate: 1e-3, norm: 1, accepted: true, batchTokens: 1000 };
  return { step, applied: step, tokens: 1000 * step, ...figures, ...over };
}

/** The events of a run of so many steps, one each 100 ms, with an evaluation and a sample after every tenth. */
export function runEvents(steps: number, { name = "tiny", from = 0, begin = 1000 } = {}): LoggedEvent[] {
  let time = begin;
  const started = { name, step: from, steps, parameters: 1_234_000, engine: "onnx", device: "CPU" };
  const events: LoggedEvent[] = [{ event: "run-started", time, ...started }];
  for (let step = from + 1; step <= steps; step++) {
    time += 100;
    events.push({ event: "step-ended", time, ...report(step) });
    if (step % 10 !== 0) continue;
    const metrics = { loss: 1.1 + 3 / step, accuracy: 0.5 };
    time += 1000;
    events.push({ event: "evaluation-ended", time, step, metrics, tokens: 100, seconds: 1 });
    events.push({ event: "sample-generated", time, step, prompt: "To be", text: ` or step ${step}` });
    events.push({ event: "checkpoint-saved", time, step, location: `/runs/${name}/step-${step}`, seconds: 0.1 });
  }
  events.push({ event: "run-ended", time, step: steps, reason: "completed", seconds: (time - begin) / 1000 });
  return events;
}

/** Events as a log has them. */
export function logOf(events: readonly object[]): string {
  return events.map((event) => `${JSON.stringify(event)}\n`).join("");
}
