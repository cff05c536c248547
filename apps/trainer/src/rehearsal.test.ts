import { readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { events, openExperiment } from "./experiment.test.fixture.ts";

const { folder, pipe } = await openExperiment();

describe("pipe find-lr", () => {
  it("suggests a rate, draws the curve and makes no run", async () => {
    const { code, out } = await pipe(["find-lr", "tiny.yaml", "--runs-dir", "searched", "--svg", "curve.svg"]);
    expect(code).toBe(0);
    expect(out).toMatch(/loss over the learning rate[^]*▲[^]*suggestion: [\d.e-]+ \(where the loss falls fastest\)/);
    expect(out).toMatch(/pipe train tiny.yaml --set optimization.schedule.rate=[\d.e-]+/);
    expect(await readFile(join(folder, "curve.svg"), "utf8")).toMatch(/^<svg [^]*polyline[^]*<\/svg>\n$/);
    expect(await readdir(join(folder, "searched"))).toEqual([".data"]);
  });

  it("tells each step as JSON, and ends at once and with what it knows when it is interrupted", async () => {
    const flags = ["--json", "--from", "1e-4", "--to", "0.1", "--steps", "20"];
    const { code, out } = await pipe(["find-lr", "tiny.yaml", ...flags, "--svg", "json.svg"]);
    expect(code).toBe(0);
    const all = events(out);
    expect(all.filter(({ event }) => event === "rate-tried").map(({ rate }) => rate)).toHaveLength(20);
    expect(all.at(-1)).toMatchObject({
      event: "rate-found",
      ended: "completed",
      steps: 20,
      svg: join(folder, "json.svg"),
    });
    const at = `"rate":${String(all[9]!["rate"])}`;
    const stopped = await pipe(["find-lr", "tiny.yaml", ...flags], { at, times: 1 });
    expect(stopped.code).toBe(130);
    expect(events(stopped.out).at(-1)).toMatchObject({ event: "rate-found", ended: "aborted", steps: 10 });
  });

  it("refuses settings that make no search", async () => {
    const { code, err } = await pipe(["find-lr", "tiny.yaml", "--from", "1", "--to", "0.1"]);
    expect([code, err.includes("0 < from < to")]).toEqual([2, true]);
    expect((await pipe(["find-lr", "tiny.yaml", "--steps", "3"])).code).toBe(2);
  });
});

describe("pipe train --dry-run", () => {
  it("says what a run would need, and leaves nothing", async () => {
    const before = await readdir(join(folder, "runs")).catch(() => []);
    // Other tests change the text of the recipe.
    await writeFile(join(folder, "winds.txt"), "north wind, east wind, south wind. ".repeat(200));
    const text = ["--set", "data.source.path=winds.txt"];
    const { code, out } = await pipe(["train", "tiny.yaml", "--dry-run", "--set", "training.steps=50", ...text]);
    expect(code).toBe(0);
    expect(out).toMatch(/^rehearsal of tiny: 4 steps, an evaluation, a checkpoint, a sample; nothing of it is kept\n/);
    for (const line of ["model ", "step ", "compiling ", "memory ", "evaluation ", "checkpoint ", "sample "]) {
      expect(out).toMatch(new RegExp(`^${line}`, "m"));
    }
    expect(out).toMatch(/^training +50 steps: about /m);
    const after = await readdir(join(folder, "runs"));
    expect(after.filter((name) => name !== ".data")).toEqual(before.filter((name) => name !== ".data"));
    const json = await pipe(["train", "tiny.yaml", "--dry-run", "--json", ...text]);
    const [report] = events(json.out);
    expect(report).toMatchObject({ event: "rehearsal-ended", warnings: [] });
    expect(report!["plannedPeakBytes"]).toBeGreaterThan(1000);
  });

  it("makes no trace with an engine that makes none", async () => {
    const { code, err } = await pipe(["train", "tiny.yaml", "--profile", "no.json", "--set", "engine={kind: xla}"]);
    expect([code, err]).toEqual([2, expect.stringMatching(/the engine of the recipe is xla[^]*engine\.kind=onnx/)]);
  });

  it.each(["onnx", "auto"])("writes a trace in which Perfetto finds every program and op: engine %s", async (kind) => {
    const engine = ["--set", `engine={kind: ${kind}}`];
    const { code, out } = await pipe(["train", "tiny.yaml", "--profile", "trace.json", ...engine]);
    expect(code).toBe(0);
    expect(out).toContain("trace.json: open it in ui.perfetto.dev");
    const { traceEvents } = JSON.parse(await readFile(join(folder, "trace.json"), "utf8")) as {
      readonly traceEvents: readonly {
        readonly name: string;
        readonly ph: string;
        readonly pid: number;
        readonly ts: number;
      }[];
    };
    const programs = traceEvents.filter(({ name }) => name === "process_name").length;
    expect(programs).toBeGreaterThan(1);
    const products = traceEvents.filter(({ name, pid }) => name === "Gemm" && pid === 0);
    expect(products.length).toBeGreaterThan(50);
    expect(products.every(({ ph, ts }) => ph === "X" && ts > 0)).toBe(true);
  });

  it("knows other budgets than steps, and needs no sample", async () => {
    const recipe = (budget: string) =>
      writeFile(
        join(folder, "budget.yaml"),
        `name: budget
data: { source: { kind: text, path: winds.txt }, tokenizer: { kind: char }, sequenceLength: 16, split: { by: tail } }
model: { kind: gpt2, positions: 16, width: 16, layers: 1, heads: 2 }
training: { ${budget}, batch: 4 }
`,
      );
    await writeFile(join(folder, "winds.txt"), "north wind, east wind, south wind. ".repeat(200));
    await recipe("tokens: 6400");
    const tokens = await pipe(["train", "budget.yaml", "--dry-run"]);
    expect(tokens.out).toMatch(/^training +100 steps: about /m);
    expect(tokens.out).not.toContain("sample");
    await recipe("epochs: 1");
    expect((await pipe(["train", "budget.yaml", "--dry-run"])).out).not.toMatch(/^training /m);
    const json = await pipe(["train", "budget.yaml", "--dry-run", "--json"]);
    expect(events(json.out)[0]).toMatchObject({ event: "rehearsal-ended", trainingSeconds: null });
  });

  it("ends at once when it is interrupted, and leaves nothing", async () => {
    const stopped = await pipe(["train", "tiny.yaml", "--dry-run"], { at: "at once", times: 0 });
    expect([stopped.code, stopped.out]).toEqual([130, ""]);
    expect((await readdir(join(folder, "runs"))).filter((name) => name.startsWith("rehearsal"))).toEqual([]);
    const broken = await pipe(["train", "tiny.yaml", "--dry-run", "--set", "data.source.path=nowhere.txt"]);
    expect([broken.code, broken.err]).toEqual([1, expect.stringContaining("nowhere.txt")]);
  });

  it("is no way to resume", async () => {
    const { code, err } = await pipe(["train", "tiny.yaml", "--dry-run", "--resume"]);
    expect([code, err]).toEqual([2, expect.stringContaining("leave --resume out")]);
  });
});
