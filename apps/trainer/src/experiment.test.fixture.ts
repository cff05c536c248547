import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Random } from "@pipe/core";
import { afterAll } from "vitest";
import { run } from "./cli.ts";
import type { Host } from "./host.ts";

/** What a command printed, and its exit code. */
export type Result = { readonly code: number; readonly out: string; readonly err: string };

/** Runs a command in a folder; `interrupt` may press Ctrl-C when a text appears. */
type Pipe = (
  args: readonly string[],
  interrupt?: { readonly at: string; readonly times: number },
  env?: Host["env"],
) => Promise<Result>;

/** A folder with text, notes and `tiny.yaml`, and the command in it; the folder goes when the test file has ended. */
export async function openExperiment(): Promise<{ readonly folder: string; readonly pipe: Pipe }> {
  const folder = await mkdtemp(join(tmpdir(), "pipe-trainer-"));
  afterAll(() => rm(folder, { recursive: true }));
  await writeExperiment(folder);
  return { folder, pipe: pipeIn(folder) };
}

function pipeIn(folder: string): Pipe {
  return async (args, interrupt, env = {}) => {
    const text = { out: "", err: "" };
    const exits: number[] = [];
    let listener: (() => void) | undefined;
    let left = interrupt?.times ?? 0;
    const sink = (key: "out" | "err") => ({
      write: (piece: string) => {
        text[key] += piece;
        if (interrupt !== undefined && left > 0 && piece.includes(interrupt.at)) {
          for (; left > 0; left--) listener?.();
        }
      },
    });
    const host: Host = {
      stdout: sink("out"),
      stderr: sink("err"),
      env,
      cwd: folder,
      now: () => 1_000,
      onInterrupt: (given) => {
        listener = given;
        if (interrupt?.at === "at once") given();
        return { [Symbol.dispose]: () => (listener = undefined) };
      },
      exit: () => void exits.push(130),
    };
    const code = await run(args, host);
    return { code: exits[0] ?? code, ...text };
  };
}

/** The lines of a command's output that are events. */
export const events = (out: string): readonly { readonly event: string; readonly [field: string]: unknown }[] =>
  out
    .split("\n")
    .filter((line) => line.startsWith("{"))
    .map((line) => JSON.parse(line) as { event: string });

/** Fills a folder with text, notes and `tiny.yaml`: a model that learns four words in a moment. */
async function writeExperiment(folder: string): Promise<void> {
  const words = ["north", "east", "south", "west"];
  const random = new Random(1);
  await writeFile(join(folder, "text.txt"), Array.from({ length: 900 }, () => words[random.integer(4)]!).join(" "));
  await mkdir(join(folder, "notes"));
  await writeFile(
    join(folder, "notes/a.md"),
    "# Winds\n\nThe north wind is cold.\n\n## Calm\n\nNo wind in the east.\n",
  );
  await writeFile(join(folder, "notes/b.md"), "# Seas\n\nThe south sea is warm.\n");
  await writeFile(
    join(folder, "tiny.yaml"),
    `name: tiny
engine: { kind: onnx, threads: 1 }
data:
  source: { kind: text, path: text.txt }
  tokenizer: { kind: char }
  sequenceLength: 16
  split: { by: tail }
model: { kind: gpt2, positions: 16, width: 16, layers: 1, heads: 2 }
training: { steps: 12, batch: 4 }
evaluation: { every: 6, batches: 2, sample: { every: 12, prompt: "north", tokens: 5 } }
checkpoint: { every: 4, keepLast: 2 }
`,
  );
}
