import { cp, mkdir, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { xlaPlugins } from "@pipe/engine-xla/plugins";
import { describe, expect, it } from "vitest";
import { run } from "./cli.ts";
import type { Host } from "./host.ts";
import { events, openExperiment, type Result } from "./experiment.test.fixture.ts";
import { processHost } from "./process-host.ts";

const { folder, pipe } = await openExperiment();

describe("a checkpoint by name", () => {
  it("can be measured and used: the best, the newest, or that of a step", async () => {
    const keep = ["--set", "checkpoint={every: null, keepLast: 1, keepBest: loss, pinned: [2]}"];
    const flat = ["--set", "optimization.schedule={kind: constant, rate: 1e-12}", "--set", "evaluation.every=3"];
    expect((await pipe(["train", "tiny.yaml", "--name", "named", ...keep, ...flat])).code).toBe(0);
    const step = async (checkpoint: string): Promise<unknown> => {
      const { out } = await pipe(["eval", "--run", "named", "--checkpoint", checkpoint, "--json"]);
      return (JSON.parse(out) as { readonly step: number }).step;
    };
    expect([await step("newest"), await step("2")]).toEqual([12, 2]);
    const best = await step("best");
    const generate = ["generate", "--run", "named", "--prompt", "n", "--tokens", "2", "--json", "--checkpoint"];
    expect(JSON.parse((await pipe([...generate, "best"])).out)).toMatchObject({ step: best });
    expect(await pipe([...generate, "5"])).toMatchObject({
      code: 1,
      err: expect.stringContaining("expected: one of 2"),
    });
    expect((await pipe([...generate, "worst"])).code).toBe(2);
  });
});

describe("pipe train", () => {
  it("trains, evaluates, writes, keeps the last checkpoints, and says what comes next", async () => {
    const { code, out } = await pipe(["train", "tiny.yaml"]);
    expect(code).toBe(0);
    expect(out).toMatch(/12\/12[^]*loss \d/);
    expect(out).toContain("perplexity");
    expect(out).toMatch(/checkpoint: .*step-00000012/);
    expect(out).toContain("pipe generate --run tiny");
    const { out: list } = await pipe(["runs"]);
    expect(list).toMatch(
      /^run +state +step +checkpoints +last event +validation\n(?:.*\n)*tiny +completed +12 +8, 12 +\S+ ago +loss \d/,
    );
  });

  it("takes a free name, prints events as JSON, and indexes what the recipe names", async () => {
    const set = ["--set", "indexing={folder: notes, query: cold wind}", "--set", "training={epochs: 1, batch: 64}"];
    const { code, out, err } = await pipe(["train", "tiny.yaml", "--json", ...set]);
    expect([err.includes("error"), code]).toEqual([false, 0]);
    const all = events(out);
    const started = all.find(({ event }) => event === "run-started")!;
    expect(started).toMatchObject({ name: "tiny-2", step: 0 });
    expect(all.filter(({ event }) => event === "step-ended").map(({ step }) => step)).toContain(1);
    expect(all.find(({ event }) => event === "index-updated")).toMatchObject({ documents: 2 });
    expect(all.find(({ event }) => event === "search-hit")).toMatchObject({ path: "a.md" });
    const path = join(folder, "runs/tiny-2");
    expect(all.at(-1)).toEqual({
      event: "train-ended",
      step: all.filter(({ event }) => event === "step-ended").length,
      reason: "completed",
      run: "tiny-2",
      path,
      checkpoint: expect.stringMatching(/runs\/tiny-2\/checkpoints\/step-\d{8}$/),
    });
    const text = await pipe([
      "train",
      "tiny.yaml",
      "--name",
      "indexed",
      ...set,
      "--set",
      "training={tokens: 64, batch: 4}",
    ]);
    expect(text.out).toMatch(/indexed 2 documents of notes[^]*1\. a\.md:1/);
  });

  it("finishes the step, saves and says how to go on when it is interrupted; goes on exactly there", async () => {
    const stopped = await pipe(["train", "tiny.yaml", "--name", "stopped", "--json"], { at: '"step":5', times: 1 });
    expect(stopped.code).toBe(130);
    expect(stopped.err).toContain("finishing the step and saving");
    expect(stopped.err).toMatch(/saved step \d+; go on with: pipe train --resume=stopped/);
    const ended = events(stopped.out).slice(events(stopped.out).findIndex(({ step }) => step === 5));
    expect(ended.at(-1)).toMatchObject({ event: "train-ended", reason: "aborted", run: "stopped" });
    // It is not kept waiting.
    expect(ended.map(({ event }) => event)).not.toContain("evaluation-ended");
    const resumed = await pipe(["train", "--resume=stopped", "--json"]);
    expect(resumed.code).toBe(0);
    const steps = events(resumed.out)
      .filter(({ event }) => event === "step-ended")
      .map(({ step }) => step);
    expect(steps.at(-1)).toBe(12);
    expect(steps[0]).toBeGreaterThan(5);
  });

  it("ends with an error where the loss is not finite, and says how to go on", async () => {
    const rate = ["--set", "optimization.schedule={kind: constant, rate: 1e30}"];
    const stop = ["--set", "training.onNonFinite=stop", "--set", "checkpoint.every=1"];
    const { code, err } = await pipe(["train", "tiny.yaml", "--name", "diverged", ...rate, ...stop]);
    expect(code).toBe(1);
    expect(err).toMatch(/step 1 is kept; go on from there with: pipe train --resume=diverged --set optimization/);
    expect(err).toMatch(/error: Training diverged: an update was refused[^]*pipe find-lr/);
    const few = ["--set", "training.maxSkipped=3"];
    const skipped = await pipe(["train", "tiny.yaml", "--name", "skipped", ...rate, ...few]);
    expect([skipped.code, skipped.err]).toEqual([1, expect.stringContaining("3 updates in a row were refused")]);
  });

  it("stops at once at the second interrupt", async () => {
    expect((await pipe(["train", "tiny.yaml", "--name", "twice", "--json"], { at: '"step":2', times: 2 })).code).toBe(
      130,
    );
  });

  it("begins nothing when it is interrupted while the text is read", async () => {
    const fresh = ["--set", "data.split.fraction=0.3"];
    const { code, err } = await pipe(["train", "tiny.yaml", "--name", "never", ...fresh], { at: "at once", times: 0 });
    expect([code, err]).toEqual([130, expect.stringContaining("nothing was begun")]);
    expect((await pipe(["runs", "show", "never"])).err).toContain("There is no run here");
  });

  it("starts again what was interrupted before its first step", async () => {
    const { code, err } = await pipe(["train", "tiny.yaml", "--name", "early"], { at: "at once", times: 0 });
    expect([code, err.includes("finishing the step")]).toEqual([130, true]);
    const again = await pipe(["train", "--resume=early", "--json"]);
    expect(again.code).toBe(0);
    expect(events(again.out).find(({ event }) => event === "run-started")).toMatchObject({ name: "early", step: 0 });
    expect(JSON.parse((await pipe(["runs", "show", "early", "--json"])).out)).toMatchObject({ step: 12 });
  });

  it("resumes the newest run of a recipe, or a named one, with a longer budget", async () => {
    const more = ["--json", "--set", "training.steps=14"];
    const named = await pipe(["train", "tiny.yaml", "--name", "tiny", "--resume", ...more]);
    expect(named.code).toBe(0);
    expect(events(named.out).find(({ event }) => event === "run-ended")).toMatchObject({
      step: 14,
      reason: "completed",
    });
    const newest = await pipe(["train", "tiny.yaml", "--resume", ...more]);
    expect(newest.code).toBe(0);
    expect(events(newest.out).find(({ event }) => event === "run-started")).toMatchObject({ name: "tiny", step: 14 });
  });

  it("resumes the newest run of a folder, and says how to go on with the same folder and settings", async () => {
    const other = ["--runs-dir", "other runs", "--json"];
    const first = await pipe(["train", "tiny.yaml", ...other], { at: '"step":3', times: 1 });
    expect(first.err).toMatch(/pipe train --resume=tiny --runs-dir 'other runs'\n/);
    const settings = ["--set", "training.steps=40", "--set", "evaluation={every: 50}"];
    const second = await pipe(["train", "--resume", ...other, ...settings], { at: '"step":9', times: 1 });
    const again = "--resume=tiny --runs-dir 'other runs' --set training.steps=40 --set 'evaluation={every: 50}'\n";
    expect([second.code, second.err]).toEqual([130, expect.stringContaining(again)]);
    const { err } = await pipe(["train", "--resume", "--runs-dir", "none"]);
    expect(err).toContain("There is no run to resume.");
  });
});

describe("after training", () => {
  it("pipe generate shows no prompt that the model cannot go on with", async () => {
    const generate = (...more: string[]): Promise<Result> => pipe(["generate", "--run", "tiny", ...more]);
    expect(await generate("--prompt", "日")).toMatchObject({ code: 1, out: "" });
    expect(await generate()).toMatchObject({ code: 2, out: "", err: expect.stringContaining("give a prompt") });
    expect(await generate("--prompt", "n", "--top-p", "7")).toMatchObject({ code: 2, out: "" });
  });

  it("pipe generate gives the same text for the same seed", async () => {
    const args = ["generate", "--run", "tiny", "--prompt", "north ", "--tokens", "12", "--seed", "3"];
    const [first, second] = [await pipe(args), await pipe(args)];
    expect(first).toEqual(second);
    expect(first.out).toMatch(/^north .{12}\n$/);
    const json = await pipe([
      ...args,
      "--json",
      "--top-k",
      "3",
      "--top-p",
      "0.9",
      "--min-p",
      "0.1",
      "--repetition-penalty",
      "1.1",
      "--stop",
      "§",
    ]);
    expect(JSON.parse(json.out)).toMatchObject({ prompt: "north " });
  });

  it("pipe eval measures on the validation text", async () => {
    const { code, out } = await pipe(["eval", "--run", "tiny", "--json"]);
    expect(code).toBe(0);
    const report = JSON.parse(out) as { metrics: { [name: string]: number }; tokens: number };
    expect(report.metrics["loss"]).toBeLessThan(3);
    expect(report.metrics["perplexity"]).toBeCloseTo(Math.exp(report.metrics["loss"]!), 6);
    expect((await pipe(["eval", "--run", "tiny"])).out).toMatch(/tokens\n {2}loss /);
  });

  it("pipe eval measures other text with the tokens that the run has learnt", async () => {
    const measure = async (text: string, ...flags: readonly string[]) => {
      await writeFile(join(folder, "other.txt"), text);
      return pipe(["eval", "--run", "tiny", "--set", "data.source.path=other.txt", "--json", ...flags]);
    };
    const lossOf = ({ out }: Awaited<ReturnType<typeof measure>>): number =>
      (JSON.parse(out) as { metrics: { loss: number } }).metrics.loss;
    // The measured tail is the same in both; learnt from the first alone, the characters would have other numbers.
    const [few, all] = [
      await measure("west west ".repeat(60)),
      await measure(`${"north east south ".repeat(40)}${"west west ".repeat(76)}`),
    ];
    expect(lossOf(few)).toBeCloseTo(lossOf(all), 1);
    expect((await measure("West wind ".repeat(60))).err).toMatch(/lacks a character[^]*"W"/);
    const bytes = await measure("west west ".repeat(60), "--set", "data.tokenizer={kind: byte}");
    expect([bytes.code, bytes.err]).toEqual([1, expect.stringMatching(/belong to another tokenizer/)]);
  });

  it("pipe index and pipe search find by words and by meaning", async () => {
    const words = await pipe(["index", "./notes"]);
    expect(words.out).toMatch(/2 documents indexed, \d passages/);
    expect((await pipe(["search", "cold wind"])).out).toMatch(/^1\. a\.md:1 {2}Winds/);
    expect((await pipe(["search", "zebra"])).out).toBe("nothing found\n");
    const meaning = await pipe(["index", "add", "./notes", "--index", "both", "--run", "tiny", "--json", "--prune"]);
    expect(JSON.parse(meaning.out)).toMatchObject({ documents: 2, failures: [] });
    for (const mode of ["lexical", "vector", "hybrid"]) {
      const { code, out } = await pipe([
        "search",
        "warm sea",
        "--index",
        "both",
        "--mode",
        mode,
        "--limit",
        "1",
        "--json",
      ]);
      expect([mode, code]).toEqual([mode, 0]);
      const hit = JSON.parse(out) as { path: string; heading: string[]; line: number; score: number };
      expect(Object.keys(hit)).toEqual(expect.arrayContaining(["path", "heading", "line", "score"]));
      if (mode !== "vector") expect(hit.path).toBe("b.md");
    }
    expect((await pipe(["index", "./notes"])).out).toContain("2 unchanged");
    // Later calls go on with the model that is noted.
    await writeFile(join(folder, "notes/c.md"), "# Rain\n\nrain from the west\n");
    expect((await pipe(["index", "./notes", "--index", "both"])).out).toMatch(/1 passage, 1 embedded/);
    await writeFile(join(folder, "notes/c.md"), "# Rain\n\nrain from the east\n");
    const wordsOnly = await pipe(["index", "./notes", "--index", "both", "--words"]);
    expect([wordsOnly.code, wordsOnly.err]).toEqual([0, expect.stringContaining("1 passage without a vector")]);
    await rm(join(folder, "notes/c.md"));
    await pipe(["index", "./notes", "--index", "both", "--prune"]);
    const bytes = ["--set", "data.tokenizer.kind=byte", "--set", "training={steps: 1, batch: 2}"];
    await pipe(["train", "tiny.yaml", "--name", "bytes", ...bytes]);
    const prompt = ["generate", "--run", "bytes", "--prompt", "warm sea", "--tokens", "4", "--context", "both"];
    expect((await pipe(prompt)).code).toBe(0);
    const written = await pipe([...prompt, "--context-tokens", "40", "--json"]);
    expect(JSON.parse(written.out)).toMatchObject({
      prompt: "warm sea",
      context: expect.stringMatching(/^\[b\.md#.*\n\n$/s),
    });
    await pipe(["runs", "remove", "bytes"]);
    // A model of single characters lacks some of a citation's.
    const lettered = await pipe([
      ...prompt.map((word) => (word === "bytes" ? "tiny" : word === "warm sea" ? "sea" : word)),
      "--json",
    ]);
    expect(JSON.parse(lettered.out)).toMatchObject({ context: expect.not.stringContaining("#") });
    expect(lettered.err).toMatch(/^warning: left out of the context, as the model does not know them: .*#/);
  });

  it("pipe runs shows, verifies and removes", async () => {
    expect(JSON.parse((await pipe(["runs", "show", "tiny", "--json"])).out)).toMatchObject({
      name: "tiny",
      path: join(folder, "runs/tiny"),
      step: 14,
      ended: "completed",
      checkpoints: [12, 14],
      metrics: { loss: expect.any(Number) },
      best: { step: expect.any(Number) },
      config: { model: { width: 16 } },
    });
    const { out } = await pipe(["runs", "show", "tiny"]);
    expect(out).toMatch(/^tiny: completed at step 14\n\nLoss, nats a token  ─ training  ● validation\n/);
    expect(out).toMatch(/\nbest +validation loss \d\.\d{4} at step \d+\n/);
    expect(out).not.toContain("\u001B");
    expect((await pipe(["runs", "verify", "tiny"])).out).toMatch(/step 14: complete/);
    expect(JSON.parse((await pipe(["runs", "verify", "tiny", "--json"])).out.split("\n")[0]!)).toMatchObject({
      ok: true,
    });
    expect((await pipe(["runs", "list", "--json"])).out.split("\n").length).toBeGreaterThan(3);
    expect((await pipe(["runs", "remove", "twice"])).code).toBe(0);
    expect((await pipe(["runs", "show", "twice"])).err).toContain("There is no run here");
    expect((await pipe(["runs", "--runs-dir", "nowhere"])).out).toContain("no runs in");
  });

  it("pipe runs compare shows curves, figures and the settings that differ", async () => {
    const { code, out } = await pipe(["runs", "compare", "tiny", "indexed"]);
    expect([code, out]).toEqual([0, expect.stringMatching(/^Training loss, nats a token  a tiny  b indexed\n/)]);
    expect(out).toMatch(/\na +tiny +14 +896 +\d\.\dk .*\nb +indexed +1 +64 /);
    expect(out).toMatch(/\nsettings that differ +tiny +indexed\n[^]*training\.steps +12 +–\ntraining\.tokens +– +64\n/);
    const [first, second] = (await pipe(["runs", "compare", "tiny", "./runs/indexed", "--json"])).out.split("\n");
    expect(JSON.parse(first!)).toMatchObject({
      name: "tiny",
      settings: { "training.steps": 12, "training.tokens": null },
    });
    expect(JSON.parse(second!)).toMatchObject({ name: "indexed", settings: { "training.tokens": 64 } });
    const same = await pipe(["runs", "compare", "tiny", "tiny"]);
    expect(same.out).toContain(`a ${join(folder, "runs/tiny")}`);
    expect(same.out).not.toContain("settings that differ");
  });

  it("pipe runs show and compare write pictures", async () => {
    const shown = await pipe(["runs", "show", "tiny", "--svg", "tiny.svg", "--png", "tiny.png"]);
    expect([shown.code, shown.out]).toEqual([0, expect.stringContaining("wrote tiny.svg\nwrote tiny.png\n")]);
    expect(await readFile(join(folder, "tiny.svg"), "utf8")).toMatch(/^<svg [^]*>tiny</);
    expect((await readFile(join(folder, "tiny.png"))).subarray(1, 4).toString()).toBe("PNG");
    const compared = await pipe([
      "runs",
      "compare",
      "tiny",
      "indexed",
      "--json",
      "--svg",
      "two.svg",
      "--theme",
      "dark",
    ]);
    expect([compared.code, compared.err, events(compared.out).length]).toEqual([0, "wrote two.svg\n", 2]);
    expect(await readFile(join(folder, "two.svg"), "utf8")).toContain("2 runs compared");
  });

  it("pipe runs show tells what there is of a run that was stopped before its first step, and of one under way", async () => {
    const [log, info] = ["runs/begun/events.jsonl", "runs/begun/run.json"].map((path) => join(folder, path));
    await mkdir(join(folder, "runs/begun"));
    await writeFile(info!, await readFile(join(folder, "runs/tiny/run.json")));
    expect((await pipe(["runs", "show", "begun"])).out).toMatch(
      /^begun: not begun\n\nengine +onnx on .*\ntrained +0 tokens/,
    );
    expect((await pipe(["runs", "show", "begun", "--svg", "no.svg"])).err).toContain("There is no value to draw yet");
    expect((await pipe(["runs", "compare", "begun", "tiny"])).out).toMatch(/\na +begun +0 +0 +– +– +– +– +– /);
    const skipped = { event: "step-skipped", time: 900, step: 1, loss: null, norm: null };
    await writeFile(log!, `${JSON.stringify(skipped)}\n`);
    const { out } = await pipe(["runs", "show", "begun"]);
    expect(out).toContain("begun: at step 0, last event 0.1s ago");
    expect(out).toContain("1 steps");
  });

  it("pipe runs list tells of damaged runs, and shows the others", async () => {
    await mkdir(join(folder, "runs/torn"));
    await writeFile(join(folder, "runs/torn/run.json"), '{"name": "to');
    await writeFile(join(folder, "runs/begun/events.jsonl"), "damaged\n\n");
    const newest = join(folder, "runs/tiny/checkpoints/step-00000014");
    for (let step = 1; step <= 4; step++)
      await cp(newest, join(folder, `runs/many/checkpoints/step-0000000${step}`), { recursive: true });
    await writeFile(join(folder, "runs/many/run.json"), await readFile(join(folder, "runs/tiny/run.json")));
    const { code, out } = await pipe(["runs"]);
    expect(code).toBe(0);
    expect(out).toMatch(/\ntorn +damaged: A run's run\.json cannot be read\.; got: .*torn/);
    expect(out).toMatch(/begun +damaged: A line of an event log is not an event/);
    expect(out).toMatch(/\ntiny +completed +14 /);
    expect(out).toMatch(/\nmany +not begun +0 +4 up to 4\n/);
    expect(events((await pipe(["runs", "--json"])).out).find((each) => each["name"] === "torn")).toMatchObject({
      code: "run-damaged",
      error: expect.stringContaining("not JSON"),
    });
    // Its folder is taken all the same.
    expect((await pipe(["train", "tiny.yaml", "--name", "torn"])).err).toContain("continue it with --resume");
    for (const name of ["torn", "begun", "many"]) await rm(join(folder, "runs", name), { recursive: true });
  });

  it("searches by words, and says so, when the model of an index is gone", async () => {
    await pipe(["train", "tiny.yaml", "--name", "gone", "--set", "training={steps: 1, batch: 2}"]);
    expect((await pipe(["index", "./notes", "--index", "orphan", "--run", "gone"])).code).toBe(0);
    await pipe(["runs", "remove", "gone"]);
    const { code, out, err } = await pipe(["search", "cold wind", "--index", "orphan"]);
    expect([code, out.startsWith("1. a.md:1")]).toEqual([0, true]);
    expect(err).toContain("searching by words only");
    expect((await pipe(["search", "cold wind", "--index", "orphan", "--mode", "vector"])).code).toBe(1);
    expect((await pipe(["index", "./notes", "--index", "typo", "--run", "no-such-run"])).code).toBe(1);
    expect((await pipe(["search", "wind", "--index", "typo"])).err).not.toContain("no-such-run");
  });

  it("never removes files that are not a run's", async () => {
    await pipe(["train", "tiny.yaml", "--name", "kept", "--set", "training={steps: 1, batch: 2}"]);
    await writeFile(join(folder, "runs/kept/precious.txt"), "mine");
    expect((await pipe(["runs", "remove", "kept"])).err).toContain("precious.txt");
    expect(await readFile(join(folder, "runs/kept/precious.txt"), "utf8")).toBe("mine");
    expect((await pipe(["train", "tiny.yaml", "--name", ".."])).err).toContain("not beginning with '.'");
  });

  it("pipe engines and pipe config say what there is", async () => {
    // Nothing is installed in this cache folder.
    const env = { PIPE_CACHE: join(folder, "cache") };
    const { out } = await pipe(["engines"], undefined, env);
    expect(out).toMatch(/^onnx +ONNX Runtime .* threads\n +engine: \{ kind: onnx \}\n/);
    expect(out).toMatch(/^xla-cpu +not here: .*\n +pipe engines install xla-cpu$/m);
    expect(out).toMatch(
      /^tfjs-node-gpu +not here: .*\n +npm install @tensorflow\/tfjs-node-gpu\n +CUDA 11\.2, cuDNN 8\.1 .* Node/m,
    );
    const states = (await pipe(["engines", "doctor", "--json"], undefined, env)).out
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line) as { name: string });
    expect(states.slice(0, 5)).toMatchObject([
      { name: "onnx", kind: "onnx", available: true },
      { name: "onnx-webgpu", kind: "onnx", use: "engine: { kind: onnx, provider: webgpu }" },
      { name: "onnx-cuda", kind: "onnx", available: false, fix: expect.stringContaining("cuda12") },
      { name: "xla-cpu", kind: "xla", available: false, fix: "pipe engines install xla-cpu" },
      { name: "xla-cuda13", kind: "xla", available: false, fix: "pipe engines install xla-cuda13" },
    ]);
    expect(JSON.parse((await pipe(["config", "schema"])).out)).toMatchObject({ type: "object" });
    const shown = JSON.parse((await pipe(["config", "show", "quick", "--set", "seed=9", "--json"])).out) as {
      seed: number;
      indexing: { folder: string };
    };
    expect(shown.seed).toBe(9);
    expect(await readdir(shown.indexing.folder)).toContain("getting-started.md");
    expect(JSON.parse((await pipe(["config", "show", "shakespeare-char"])).out)).toMatchObject({
      model: { width: 128 },
    });
  });

  it("engine auto takes what pipe bench found the fastest, and says so", async () => {
    const env = { PIPE_CACHE: join(folder, "speeds") };
    const { out } = await pipe(["engines", "bench", "--seconds", "0.01", "--json"], undefined, env);
    const measured = out
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line) as { name: string; tokensPerSecond?: number });
    expect(measured).toMatchObject([{ name: "onnx", choice: { kind: "onnx" } }, { name: "xla-cpu" }]);
    const shown = await pipe(["engines", "bench", "--seconds", "0.01"], undefined, env);
    expect(shown.out).toMatch(
      /^onnx {5}[\d,]+ tokens\/s {2}← engine: \{ kind: auto \}\n +engine: \{ kind: onnx \}\nxla-cpu +not here/,
    );
    for (const seconds of ["x", "0", "-1"])
      expect((await pipe(["engines", "bench", `--seconds=${seconds}`], undefined, env)).code).toBe(2);
    const set = ["--set", "engine={kind: auto}", "--set", "training={steps: 1, batch: 2}"];
    const { out: printed } = await pipe(["train", "tiny.yaml", "--name", "auto", ...set], undefined, env);
    expect(printed).toMatch(/engine onnx: \d+ tokens a second when it was measured here/);
    const events = await readFile(join(folder, "runs/auto/events.jsonl"), "utf8");
    expect(JSON.parse(events.split("\n")[0]!)).toMatchObject({ event: "run-started" });
    expect(events).toContain('"engineReason":"onnx: ');
  });

  it("pipe engines install says where a plug-in is and how a recipe uses it", async () => {
    const env = { PIPE_CACHE: join(folder, "cache") };
    for (const [name, device] of [
      ["xla-cpu", "cpu"],
      ["xla-cuda13", "cuda"],
    ] as const) {
      const { version, library } = xlaPlugins[name]!;
      const path = join(folder, "cache/engines", `${name}-${version}`, library);
      await mkdir(dirname(path), { recursive: true });
      await writeFile(path, "no library");
      const installed = await pipe(["engines", "install", name], undefined, env);
      expect(installed.out).toBe(`${path}\nengine: { kind: xla, device: ${device} }\n`);
      expect(installed.err.includes("NVIDIA's driver")).toBe(device === "cuda");
      const json = await pipe(["engines", "install", name, "--json"], undefined, env);
      expect(JSON.parse(json.out)).toMatchObject({ event: "engine-installed", name, path });
    }
    const broken = await pipe(["engines"], undefined, env);
    expect(broken.out).toMatch(/^xla-cpu +not here: The XLA plug-in could not be loaded\.$/m);
    for (const args of [["install"], ["install", "xla-abacus"], ["remove"], ["list", "more"]])
      expect((await pipe(["engines", ...args], undefined, env)).code).toBe(2);
  });

  it("pipe config explain says where each value came from, and paths are seen from the recipe", async () => {
    await mkdir(join(folder, "deep"));
    await writeFile(join(folder, "deep/near.yaml"), await readFile(join(folder, "tiny.yaml"), "utf8"));
    const args = ["config", "explain", "deep/near.yaml", "--set", "data.folder=shards"];
    const { out } = await pipe(args, undefined, { PIPE_TRAINING__STEPS: "7" });
    expect(out).toMatch(/^training\.steps +7 +PIPE_TRAINING__STEPS$/m);
    expect(out).toMatch(/^training\.batch +4 +deep\/near\.yaml:\d+:\d+$/m);
    expect(out).toMatch(/^data\.folder +\S*shards +--set data\.folder=shards$/m);
    expect(out).toMatch(/^seed +1 +default$/m);
    const fields = (await pipe([...args, "--json"])).out
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line) as { path: string; value: unknown });
    const value = (path: string): unknown => fields.find((field) => field.path === path)!.value;
    expect(value("data.source.path")).toBe(join(folder, "deep/text.txt"));
    expect(value("data.folder")).toBe(join(folder, "shards"));
  });

  it("pipe config schema takes the plug-ins of a recipe, and validates what editors write into it", async () => {
    await writeFile(
      join(folder, "flat.mjs"),
      'export default { api: 1, name: "flat", components: [{ port: "schedule", kind: "flat", create: () => ({}) }] };',
    );
    await writeFile(join(folder, "flat.yaml"), "plugins: [./flat.mjs]\n");
    expect((await pipe(["config", "schema", "flat.yaml"])).out).toContain('"const": "flat"');
    expect((await pipe(["config", "schema"])).out).not.toContain('"const": "flat"');
  });
});

describe("pipe config graph", () => {
  it("shows the parts of a recipe, who makes them, and what they need", async () => {
    const { out, code } = await pipe(["config", "graph", "quick"]);
    expect(code).toBe(0);
    const lines = out.split("\n").map((line) => line.split(/ {2,}/));
    expect(lines[0]).toEqual(["source", "text", "@pipe/data"]);
    expect(lines).toContainEqual(["optimizer", "adamw", "@pipe/optim", "← model"]);
    expect(lines).toContainEqual(["metrics", "loss, perplexity, bitsPerByte, accuracy", "@pipe/eval"]);
    const parts = (await pipe(["config", "graph", "quick", "--json"])).out.trim().split("\n");
    expect(JSON.parse(parts[4]!)).toEqual({
      name: "model",
      kind: "gpt2",
      package: "@pipe/models",
      needs: ["tokenizer"],
    });
    const chart = (await pipe(["config", "graph", "quick", "--mermaid"])).out;
    expect(chart).toMatch(/^flowchart LR\n/);
    expect(chart).toContain("  training_step --> training\n");
  });
});

describe("bad input gets one clear message", () => {
  it("a folder with a recipe in place of the recipe", async () => {
    await mkdir(join(folder, "own"));
    await writeFile(join(folder, "own/recipe.yaml"), "name: own");
    const { code, err } = await pipe(["train", "own"]);
    expect([code, err]).toEqual([2, expect.stringContaining("name the recipe in this folder: own/recipe.yaml")]);
    expect((await pipe(["train", "quik"])).err).toContain("write quick, if that is meant");
  });

  const tiny = ["train", "tiny.yaml", "--name", "bad"];
  const set = (...fields: string[]): string[] => [...tiny, ...fields.flatMap((field) => ["--set", field])];

  it.each([
    ["a missing corpus", set("data.source.path=none.txt"), "none.txt"],
    ["a run that exists", ["train", "tiny.yaml", "--name", "tiny"], "continue it with --resume"],
    ["a run that does not exist", ["train", "--resume=none"], "There is no run here"],
    [
      "several hosts of processors",
      [
        ...["train", "tiny.yaml", "--set", "engine.kind=xla", "--set", "engine.threads=1"],
        ...["--nodes", "2", "--node", "0", "--master", "localhost:7077", "--secret-file", "tiny.yaml"],
      ],
      "computes on one host only",
    ],
    ["no run to resume", ["train", "tiny.yaml", "--runs-dir", "none", "--resume"], "leave --resume out"],
    ["a changed model", ["train", "--resume=tiny", "--set", "model.width=32"], "model.width: 16 in the run, 32 now"],
    ["a run without its weights", ["generate", "--run", "./notes"], "no run and no checkpoint"],
    ["no index", ["search", "x", "--index", "nothing"], "nothing"],
    ["a folder without markdown", ["index", "./runs"], "*.md"],
  ])("%s", async (_, args, message) => {
    const { code, err } = await pipe(args);
    expect(err).toContain(message);
    expect(err).not.toMatch(/\n +at /);
    expect(code).toBe(1);
  });

  it.each([
    ["an unknown key", set("trainig.steps=3"), '--set trainig.steps=3: trainig: expected "training"'],
    ["heads that do not divide the width", set("model.heads=3"), "expected a divisor of model.width (16), got 3"],
    ["a window longer than the positions", set("data.sequenceLength=32"), "data.sequenceLength: expected at most"],
    ["an unknown kind", set("model.kind=gpt3"), 'model.kind: expected gpt2, got "gpt3"'],
    [
      "an engine that is not known",
      set("engine.kind=cuda"),
      'engine.kind: expected one of onnx, tfjs, xla, auto, got "cuda"',
    ],
    [
      "a missing recipe",
      ["train", "none.yaml"],
      "expected: quick, shakespeare-char, gpt2-124m, chem, finetune, or a file",
    ],
    ["a broken recipe", ["train", "text.txt"], "must be an object"],
    ["a plug-in that is not there", set("plugins=[./none.mjs]"), "There is no such plug-in"],
    ["a plug-in that is not installed", set("plugins=[no-such-plugin]"), "npm install no-such-plugin"],
    ["a flag without a value", set("training.steps"), "--set path.to.field=value"],
  ])("%s, with exit code 2", async (_, args, message) => {
    for (const command of [
      args,
      ["config", "explain", ...args.slice(1).filter((arg) => !/^--name$|^bad$/.test(arg))],
    ]) {
      const { code, err } = await pipe(command);
      expect(err.split(message).length).toBe(2); // said once
      expect(err).not.toMatch(/\n +at /);
      expect(code).toBe(2);
    }
  });

  it.each([
    [[]],
    [["tarin"]],
    [["train", "a", "b"]],
    [["train", "--stes", "3"]],
    [["eval"]],
    [["search"]],
    [["search", "x", "--mode", "fuzzy"]],
    [["generate", "--run", "tiny", "--tokens", "many"]],
    [["generate", "--run", "tiny", "--tokens", "0"]],
    [["generate", "--run", "tiny", "--seed", "0.5"]],
    [["index", "remove", "x"]],
    [["runs", "burn", "x"]],
    [["runs", "list", "x"]],
    [["runs", "show"]],
    [["runs", "show", "tiny", "indexed"]],
    [["runs", "show", "tiny", "--svg", "x.svg", "--theme", "blue"]],
    [["runs", "list", "--png", "x.png"]],
    [["runs", "compare", "tiny"]],
    [["dashboard", "tiny"]],
    [["dashboard", "--port", "http"]],
    [["toString"]],
    [["engines", "start"]],
    [["config"]],
    [["config", "burn"]],
  ])("usage: %j", async (args) => {
    expect((await pipe(args)).code).toBe(2);
  });

  it("--version is the version of the package", async () => {
    const { version } = JSON.parse(await readFile(join(import.meta.dirname, "../package.json"), "utf8")) as {
      version: string;
    };
    expect(await pipe(["--version"])).toEqual({ code: 0, out: `${version}\n`, err: "" });
    expect(JSON.parse((await pipe(["version", "--json"])).out)).toEqual({
      "@pipe/trainer": version,
      node: process.versions.node,
    });
  });

  it("help is no error", async () => {
    const { code, out } = await pipe(["--help"]);
    expect([code, out.includes("pipe train")]).toEqual([0, true]);
    expect((await pipe(["train", "--help"])).code).toBe(0);
  });

  it("every command says what it takes, and does nothing but that", async () => {
    const { out } = await pipe(["--help"]);
    const names = [...out.matchAll(/^ {2}pipe ([a-z][a-z-]*) {2}/gm)].map(([, name]) => name!);
    expect(names).toContain("train");
    for (const name of names) {
      const help = { code: 0, out: expect.stringMatching(`\\n\\npipe ${name}[^]*--json`), err: "" };
      for (const args of [
        [name, "-h"],
        [name, "--set", "seed=1", "--help"],
        ["help", name],
      ])
        expect(await pipe(args)).toEqual(help);
    }
  });

  it.each([
    [["trian"], 'There is no command "trian" (did you mean "train"?).\n  fix: pipe --help'],
    [["help", "trian"], 'did you mean "train"?'],
    [["train", "--naem", "x"], "There is no flag --naem (did you mean --name?).\n  fix: pipe train --help"],
    [["runs", "shwo", "x"], 'There is no runs command "shwo" (did you mean "show"?).\n  fix: pipe runs --help'],
    [["index", "stats"], 'There is no index command "stats" (did you mean "status"?)'],
    [["data", "bild"], 'There is no data command "bild" (did you mean "build"?)'],
    [["config", "toString"], 'There is no config command "toString": schema, show, explain, graph.'],
    [["--json", "runs"], "The command comes first"],
  ])("what is meant by %j", async (args, said) => {
    expect(await pipe(args)).toMatchObject({ code: 2, err: expect.stringContaining(said) });
  });

  it("errors come as JSON too", async () => {
    const { out } = await pipe(["eval", "--run", "none", "--json"]);
    expect(events(out)).toEqual([
      { event: "error", code: "run-missing", message: expect.stringContaining("There is no run here") },
    ]);
  });

  it("a text with invalid UTF-8, a text without tokens, and one with special tokens", async () => {
    await writeFile(join(folder, "broken.txt"), Buffer.from([0x61, 0xff, 0x62]));
    await writeFile(join(folder, "empty.txt"), "");
    await writeFile(join(folder, "special.txt"), "a <|endoftext|> b ".repeat(200));
    const train = (file: string, ...more: string[]): Promise<Result> =>
      pipe(["train", "tiny.yaml", "--name", file, "--set", `data.source.path=${join(folder, file)}`, ...more]);
    expect((await train("broken.txt")).err).toMatch(/broken\.txt[^]*1|byte/);
    expect((await train("empty.txt")).code).toBe(1);
    const special = await train("special.txt", "--set", "data.tokenizer={kind: gpt}", "--set", "training.steps=2");
    expect([special.err, special.code]).toEqual(["", 0]);
  });

  it("a checkpoint with a flipped byte is refused by name, and the others stay", async () => {
    const path = join(folder, "runs/stopped/checkpoints/step-00000012/model.safetensors");
    const bytes = await readFile(path);
    bytes[bytes.length - 5]! ^= 1;
    await writeFile(path, bytes);
    const { code, err } = await pipe(["train", "--resume=stopped", "--set", "training.steps=20"]);
    expect([code, err]).toEqual([
      1,
      expect.stringMatching(/file is not what was written[^]*SHA-256[^]*model\.safetensors/),
    ]);
    expect((await pipe(["runs", "verify", "stopped"])).code).toBe(1);
  });

  it("the text of a resumed run has changed", async () => {
    await writeFile(join(folder, "text.txt"), "quite other letters: xyz ".repeat(300));
    const { err } = await pipe(["train", "--resume=tiny", "--set", "training.steps=20"]);
    expect(err).toContain("The text has changed");
  });
});

it("on a terminal it draws there", async () => {
  const written: string[] = [];
  const terminal = { write: (text: string) => void written.push(text), isTTY: true, columns: 80 };
  const subscription = { [Symbol.dispose]: () => undefined };
  const host: Host = {
    stdout: { write: () => undefined },
    stderr: terminal,
    env: { NO_COLOR: "1" },
    cwd: folder,
    now: () => 0,
    onInterrupt: () => subscription,
    exit: () => undefined,
  };
  const set = ["--set", "training={steps: 2, batch: 2}"];
  expect(await run(["train", "tiny.yaml", "--name", "terminal", ...set], host)).toBe(0);
  expect(written.join("")).toMatch(/2\/2[^]*completed/);
});

it("what the operating system refuses is said without a stack", async () => {
  await writeFile(join(folder, "file"), "");
  for (const args of [
    ["train", "tiny.yaml", "--runs-dir", "file"],
    ["index", "notes", "--index", "file", "--words"],
    ["index", "import", "missing.jsonl"],
    ["train", "tiny.yaml", "--name", "x".repeat(300)],
  ]) {
    const { code, err } = await pipe(args);
    expect([code, err]).toEqual([1, expect.stringMatching(/^error: [^:]+\.\n {2}got: E[^]*\n {2}fix: [^\n]+\n$/)]);
  }
});

it("an error that is nobody's input comes with its stack", async () => {
  let text = "";
  const stderr = { write: (piece: string) => void (text += piece) };
  const stdout = {
    write: () => {
      throw new TypeError("the stream is gone");
    },
  };
  expect(await run(["runs"], { ...processHost(), stdout, stderr, cwd: folder })).toBe(1);
  expect(text).toMatch(/the stream is gone\n[^]*at /);
});

it("the process is a host", () => {
  const host = processHost();
  expect(host.cwd).toBe(process.cwd());
  expect(host.now()).toBeGreaterThan(1e12);
  const before = process.listenerCount("SIGINT");
  const subscription = host.onInterrupt(() => undefined);
  expect(process.listenerCount("SIGINT")).toBe(before + 1);
  subscription[Symbol.dispose]();
  expect(process.listenerCount("SIGINT")).toBe(before);
  let presses = 0;
  const counting = host.onInterrupt(() => presses++);
  // A package manager passes on what the terminal has sent already.
  for (const signal of ["SIGINT", "SIGINT", "SIGTERM"] as const) process.emit(signal);
  counting[Symbol.dispose]();
  expect(presses).toBe(1);
  process.stdout.emit("error", Object.assign(new Error("gone"), { code: "EPIPE" }));
  expect(() => process.stdout.emit("error", new Error("other"))).toThrow("other");
});
