import { execFile } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { expect, it } from "vitest";

it("measures a run of the recipe", async () => {
  const folder = await mkdtemp(join(tmpdir(), "pipe-words-"));
  const pipe = join(import.meta.dirname, "../../../apps/trainer/src/main.ts");
  const args = ["train", join(import.meta.dirname, "../recipe.yaml"), "--runs-dir", folder, "--json"];
  const short = ["--set", "training.steps=2", "--set", "evaluation.batches=4"];
  try {
    const { stdout } = await promisify(execFile)(process.execPath, [
      "--conditions=@pipe/source",
      pipe,
      ...args,
      ...short,
    ]);
    const events = stdout
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line) as { event: string; metrics?: unknown });
    const { metrics } = events.find(({ event }) => event === "evaluation-ended")!;
    // Before anything is learnt, a word is one of at least thousands.
    expect((metrics as { wordPerplexity: number }).wordPerplexity).toBeGreaterThan(1000);
  } finally {
    await rm(folder, { recursive: true });
  }
});
