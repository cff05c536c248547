import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { run } from "./cli.ts";

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "pipe-recipes-"));
  const lines = ["Water boils at 100 degrees.", "Sodium reacts with water.", "Salt is sodium and chlorine."];
  const records = Array.from({ length: 60 }, (_, i) => JSON.stringify({ _id: i, text: `${i}. ${lines[i % 3]!}` }));
  await writeFile(join(folder, "texts.jsonl"), `${records.join("\n")}\n`);
  await writeFile(join(folder, "text.txt"), lines.join("\n").repeat(20));
});
afterAll(() => rm(folder, { recursive: true }));

async function pipe(...args: readonly string[]): Promise<{ readonly code: number; readonly out: string }> {
  let out = "";
  const output = { write: (text: string) => (out += text) };
  const code = await run(args, {
    stdout: output,
    stderr: output,
    env: {},
    cwd: folder,
    now: () => 0,
    onInterrupt: () => ({ [Symbol.dispose]: () => undefined }),
    exit: () => undefined,
  });
  return { code, out };
}

const sets = (...values: readonly string[]): string[] => values.flatMap((value) => ["--set", value]);
const tiny = ["model.width=8", "model.layers=1", "model.heads=2", "data.sequenceLength=16", "evaluation.batches=1"];

describe("the built-in recipes", () => {
  it.each(["quick", "shakespeare-char", "gpt2-124m", "chem"])(
    "%s is valid and names no place of a machine",
    async (name) => {
      const { code, out } = await pipe("config", "show", name);
      expect(code).toBe(0);
      expect(JSON.parse(out)).toMatchObject({ name, model: { kind: "gpt2" } });
      const text = await readFile(join(import.meta.dirname, `recipes/${name}.ts`), "utf8");
      expect(text).not.toMatch(/"(\/|[A-Z]:)/);
    },
  );

  it("gpt2-124m is GPT-2 small", async () => {
    const { model } = JSON.parse((await pipe("config", "show", "gpt2-124m")).out) as { model: object };
    expect(model).toMatchObject({ positions: 1024, width: 768, layers: 12, heads: 12 });
  });

  it("gpt2-124m learns in parts, with a padded vocabulary", async () => {
    const text = ["data.source.path=text.txt", "data.split.fraction=0.2", "evaluation.sample.tokens=2"];
    const budget = "training={steps: 2, batch: 4, accumulate: 2, recompute: true}";
    const { code, out } = await pipe("train", "gpt2-124m", ...sets(...tiny, ...text, budget));
    expect([out.includes("error"), code]).toEqual([false, 0]);
    expect(out).toContain("completed at step 2");
  });

  it("chem reads JSON lines; finetune goes on from its run, with its tokenizer and sizes", async () => {
    const texts = ["data.source.path=texts.jsonl", "data.split.fraction=0.3", "evaluation.sample.tokens=2"];
    const chem = await pipe("train", "chem", ...sets(...tiny, ...texts, "training={steps: 2, batch: 4}"));
    expect([chem.out.includes("error"), chem.code]).toEqual([false, 0]);
    const start = ["model.from=runs/chem", "data.source.path=text.txt", "data.sequenceLength=16"];
    const tuned = await pipe("train", "finetune", ...sets(...start, "training={steps: 2, batch: 2}"), "--json");
    expect(tuned.code).toBe(0);
    expect(tuned.out).toContain(`"start":"${join(folder, "runs/chem")}"`);
    const { config } = JSON.parse(await readFile(join(folder, "runs/finetune/run.json"), "utf8")) as { config: object };
    expect(config).toMatchObject({
      data: { tokenizer: { kind: "gpt", encoding: "r50k_base" } },
      model: { kind: "gpt2", width: 8, positions: 256, vocabulary: 50257, from: join(folder, "runs/chem") },
    });
  });

  it("finetune says what it needs", async () => {
    const { code, out } = await pipe("train", "finetune");
    expect(code).toBe(2);
    expect(out).toMatch(/model to start from has no config.json[^]*--set model.from=<path>/);
  });
});
