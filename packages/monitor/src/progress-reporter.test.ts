import { stripVTControlCharacters } from "node:util";
import { type EventMap, PipeError } from "@pipe/core";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { EventBus } from "./event-bus.ts";
import { PerformanceTracker } from "./performance-tracker.ts";
import { ProgressReporter, type ProgressReporterOptions } from "./progress-reporter.ts";

const started = { name: "tiny", step: 0, parameters: 1_234_000, engine: "onnx", device: "CPU" };

/** A terminal that keeps what was written, and the screen it makes. */
class Terminal {
  readonly writes: string[] = [];
  readonly isTTY: boolean;
  columns: number;

  constructor({ isTTY = false, columns = 80 } = {}) {
    this.isTTY = isTTY;
    this.columns = columns;
  }

  write(text: string): void {
    this.writes.push(text);
  }

  /** The lines on the screen; a carriage return overwrites, ESC [K clears to the end. */
  get screen(): string[] {
    return this.writes
      .join("")
      .split("\n")
      .map((line) =>
        line.split("\r").reduce((before, raw) => {
          const text = stripVTControlCharacters(raw);
          return raw.endsWith("\u001B[K") ? text : text + before.slice(text.length);
        }, ""),
      );
  }
}

function report(step: number, over: Partial<EventMap["step-ended"]> = {}): EventMap["step-ended"] {
  const figures = { epoch: 0, loss: 2.34564, rate: 1e-3, norm: 1, accepted: true, batchTokens: 1000 };
  return { step, applied: step, tokens: 1000 * step, ...figures, ...over };
}

function show(options: Partial<ProgressReporterOptions> & { terminal?: Terminal } = {}) {
  const { terminal = new Terminal(), ...rest } = options;
  const clock = { ms: 0 };
  const bus = new EventBus();
  const reporter = new ProgressReporter({ output: terminal, now: () => clock.ms, ...rest });
  const attached = reporter.attach(bus);
  const step = (step: number, ms = 100, over?: Partial<EventMap["step-ended"]>): void => {
    clock.ms += ms;
    bus.emit("step-ended", report(step, over));
  };
  return { terminal, bus, clock, reporter, attached, step };
}

function everyEvent(bus: EventBus): void {
  bus.emit("documents-tokenized", { documents: 1200, tokens: 34_567, bytes: 150_000 });
  bus.emit("dataset-built", { folder: "tokens", reused: false, train: 1_000_000, validation: 50_000 });
  bus.emit("dataset-built", { folder: "tokens", reused: true, train: 1_000_000, validation: 50_000 });
  bus.emit("run-resumed", { step: 2, checkpoint: "step-00000002" });
  bus.emit("epoch-started", { epoch: 0, step: 2 });
  bus.emit("epoch-ended", { epoch: 0, step: 3 });
  bus.emit("documents-consumed", { step: 3, documents: [] });
  bus.emit("evaluation-ended", {
    ...{ step: 3, tokens: 9, seconds: 3.21 },
    metrics: { loss: 2.1034, perplexity: 8.1938, bitsPerByte: 2.9, accuracy: 0.451, other: 12_345, none: Number.NaN },
  });
  bus.emit("sample-generated", { step: 3, prompt: "To be", text: "or\nnot\u001B[2J\u007F" });
  bus.emit("checkpoint-saved", { step: 3, location: "runs/tiny/checkpoints/step-00000003", seconds: 0.42 });
  bus.emit("checkpoint-failed", { step: 3, message: "disk full\n  fix: free some" });
  bus.emit("index-updated", { step: 3, documents: 1, chunks: 2000 });
  bus.emit("early-stopped", { step: 3, metric: "loss", best: 2 });
  bus.emit("warning", { source: "test", message: "careful" });
}

const everyText = [
  "reading text: 1,200 documents, 150.0 kB, 34.6k tokens",
  "text: 1.0M tokens to train on, 50.0k to measure with",
  "resumed at step 2 from step-00000002",
  "epoch 1 ended at step 3",
  "evaluation at step 3: loss 2.1034 · perplexity 8.19 · bitsPerByte 2.9 · accuracy 45.1 % · other 12.3k · none NaN  (3.2s)",
  "sample at step 3:",
  "  To beor",
  "  not␛[2J\uFFFD",
  "checkpoint at step 3: runs/tiny/checkpoints/step-00000003  (0.4s)",
  "checkpoint failed at step 3: disk full",
  "    fix: free some",
  "index at step 3: 1 document, 2,000 chunks",
  "early stop at step 3: loss got no better than 2.0000",
  "warning (test): careful",
];

describe("plain progress", () => {
  it("prints the first, every n-th and the last step between a header and a closing line", () => {
    const { terminal, bus, step } = show();
    bus.emit("run-started", { ...started, steps: 1120 });
    for (let n = 1; n <= 120; n++) step(n);
    bus.emit("run-ended", { step: 120, reason: "aborted", seconds: 80 });
    expect(terminal.screen).toEqual([
      "tiny: 1.2M parameters, onnx on CPU, 1,120 steps",
      "step     1/1,120  loss 2.3456  rate 1.00e-3",
      "step    50/1,120  loss 2.3456  rate 1.00e-3  10.0k tok/s  eta 1m 47s",
      "step   100/1,120  loss 2.3456  rate 1.00e-3  10.0k tok/s  eta 1m 42s",
      "step   120/1,120  loss 2.3456  rate 1.00e-3  10.0k tok/s  eta 1m 40s",
      "aborted at step 120: 120 steps in 1m 20s",
      "",
    ]);
  });

  it("prints a last step once, also where the run never says that it ended", () => {
    const { terminal, bus, step, attached } = show({ every: 2 });
    step(1);
    step(2);
    step(3);
    attached[Symbol.dispose]();
    step(4);
    attached[Symbol.dispose]();
    bus.emit("run-ended", { step: 4, reason: "completed", seconds: 1 });
    expect(terminal.screen.map((line) => line.slice(0, 6))).toEqual(["step 1", "step 2", "step 3", ""]);
  });

  it("counts from the step at which a run goes on, and shows a budget of tokens", () => {
    const { terminal, bus, step } = show({ every: 1000 });
    bus.emit("run-started", { ...started, step: 10, tokens: 20_000 });
    step(11);
    step(12);
    bus.emit("run-ended", { step: 12, reason: "completed", seconds: 0.2 });
    expect(terminal.screen).toEqual([
      "tiny: 1.2M parameters, onnx on CPU, 20.0k tokens, from step 10",
      "step 11  11.0k/20.0k tokens  loss 2.3456  rate 1.00e-3",
      "step 12  12.0k/20.0k tokens  loss 2.3456  rate 1.00e-3  10.0k tok/s  eta 0.8s",
      "completed at step 12: 2 steps in 0.2s",
      "",
    ]);
  });

  it("prints every other event, and lets no text move the cursor", () => {
    const { terminal, bus } = show();
    everyEvent(bus);
    expect(terminal.screen).toEqual([...everyText, ""]);
    expect(terminal.writes.join("")).not.toContain("\u001B");
  });

  it("prints the first of skipped steps in a row, and counts them", () => {
    const { terminal, bus, step } = show({ every: 100 });
    bus.emit("run-started", started);
    for (const n of [1, 2, 3, 5]) {
      step(n, 100, { loss: Number.NaN, accepted: false });
      bus.emit("step-skipped", { step: n, loss: Number.NaN, norm: Infinity });
    }
    bus.emit("run-ended", { step: 5, reason: "completed", seconds: 1 });
    expect(terminal.screen.slice(1)).toEqual([
      "step 1  loss NaN  rate 1.00e-3",
      "skipped step 1: loss NaN, gradient norm Infinity",
      "skipped step 5: loss NaN, gradient norm Infinity",
      "step 5  loss NaN  rate 1.00e-3  10.0k tok/s  skipped 4",
      "completed at step 5: 5 steps in 1.0s, 4 skipped",
      "",
    ]);
  });

  it("is coloured where it is asked for", () => {
    const { terminal, bus } = show({ color: true });
    bus.emit("warning", { source: "test", message: "careful" });
    expect(terminal.writes).toEqual(["\u001B[33mwarning\u001B[39m (test): careful\n"]);
  });
});

describe("live progress", () => {
  const tty = (columns = 80): { terminal: Terminal } => ({ terminal: new Terminal({ isTTY: true, columns }) });

  it("draws one line in place and leaves it above the closing line", () => {
    const { terminal, bus, step } = show(tty());
    bus.emit("run-started", { ...started, steps: 1000 });
    for (let n = 1; n <= 250; n++) step(n);
    expect(terminal.screen).toEqual([
      "tiny: 1.2M parameters, onnx on CPU, 1,000 steps",
      "━━━━━────────────────    250/1,000 (25 %)  loss 2.3456  10.0k tok/s  eta 1m 15s",
    ]);
    bus.emit("run-ended", { step: 250, reason: "aborted", seconds: 25 });
    expect(terminal.screen.slice(2)).toEqual(["aborted at step 250: 250 steps in 25s", ""]);
  });

  it("keeps the other events above the line", () => {
    const { terminal, bus, step, attached } = show(tty());
    everyEvent(bus);
    step(1);
    everyEvent(bus);
    expect(terminal.screen).toEqual([...everyText, ...everyText, "step 1  loss 2.3456"]);
    attached[Symbol.dispose]();
    expect(terminal.screen.at(-1)).toBe("");
    attached[Symbol.dispose]();
    expect(terminal.screen.length).toBe(2 * everyText.length + 2);
  });

  it("draws at most ten times a second", () => {
    const { terminal, step } = show(tty());
    for (let n = 1; n <= 1000; n++) step(n, 1);
    expect(terminal.writes.length).toBe(10);
  });

  it("is never wider than the terminal, and shows whole fields where there is room for two", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 200 }), fc.integer({ min: 1, max: 2_000_000 }), (columns, at) => {
        const { terminal, bus, step } = show(tty(columns));
        bus.emit("run-started", { ...started, steps: 1_000_000, tokens: 5e9 });
        step(at - 1);
        step(at);
        const line = terminal.screen.at(-1)!;
        expect(line.length).toBeLessThan(Math.max(columns, 2));
        if (columns > 40) expect(line).toMatch(/\(\d+ %\) {2}loss 2\.3456( {2}10\.0k tok\/s)?( {2}eta [\w. ]+)?$/);
      }),
    );
  });

  it("shows the share of a budget of tokens", () => {
    const { terminal, bus, step } = show({ ...tty(100), color: false });
    bus.emit("run-started", { ...started, tokens: 10_000 });
    step(5);
    const half = `${"━".repeat(15)}${"─".repeat(15)}`;
    expect(terminal.screen.at(-1)).toBe(`${half}  step 5  5.0k/10.0k tokens (50 %)  loss 2.3456`);
    expect(terminal.writes.at(-1)).not.toContain("\u001B[3");
  });

  it("takes 80 columns where the terminal does not tell", () => {
    const writes: string[] = [];
    const { bus, step } = show({ mode: "live", output: { write: (text) => writes.push(text) } });
    bus.emit("run-started", { ...started, steps: 10 });
    step(10);
    expect(writes.at(-1)).toBe(`\r${"━".repeat(30)}  10/10 (100 %)  loss 2.3456\u001B[K`);
  });

  it("closes a run without a step", () => {
    const { terminal, bus } = show(tty());
    bus.emit("run-started", { ...started, steps: 1 });
    bus.emit("run-ended", { step: 0, reason: "aborted", seconds: 0 });
    expect(terminal.screen.slice(1)).toEqual(["aborted at step 0: 0 steps in 0.0s", ""]);
  });
});

describe("json progress", () => {
  it("prints every event as an object a line, and nothing else", () => {
    const { terminal, bus, step, attached } = show({ mode: "json" });
    bus.emit("run-started", started);
    step(10);
    bus.emit("step-skipped", { step: 10, loss: Number.NaN, norm: Infinity });
    everyEvent(bus);
    bus.emit("run-ended", { step: 10, reason: "completed", seconds: 1 });
    attached[Symbol.dispose]();
    const events = terminal.writes.map((line) => JSON.parse(line) as { event: string });
    expect(events.length).toBe(18);
    expect(new Set(events.map(({ event }) => event)).size).toBe(17);
    expect(terminal.writes[1]).toBe(`${JSON.stringify({ event: "step-ended", ...report(10) })}\n`);
    expect(terminal.writes[2]).toBe('{"event":"step-skipped","step":10,"loss":null,"norm":null}\n');
    expect(terminal.writes.every((line) => line.endsWith("}\n"))).toBe(true);
  });
});

describe("ProgressReporter", () => {
  it("uses the tracker that it is given, and tells its figures", () => {
    const tracker = new PerformanceTracker({ now: () => 0 });
    const { bus, step, reporter } = show({ tracker });
    step(1);
    expect(reporter.snapshot().step).toBe(0);
    tracker.attach(bus);
    step(2);
    expect(reporter.snapshot()).toEqual(tracker.snapshot());
    expect(reporter.snapshot().step).toBe(2);
  });

  it("reads the clock of the process by default", () => {
    const terminal = new Terminal({ isTTY: true });
    const bus = new EventBus();
    new ProgressReporter({ output: terminal }).attach(bus);
    bus.emit("step-ended", report(1));
    expect(terminal.screen).toEqual(["step 1  loss 2.3456"]);
  });

  it.each([0, -1, 1.5, Number.NaN])("refuses to print every %d-th step", (every) => {
    expect(() => new ProgressReporter({ output: new Terminal(), every })).toThrow(PipeError);
  });
});
