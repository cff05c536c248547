import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { run } from "./cli.ts";
import type { Host } from "./host.ts";
import { writeTinyRecipe } from "./tiny-recipe.test.fixture.ts";

const plugin = process.env["PIPE_XLA_CPU"];
let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "pipe-trainer-xla-"));
  await writeTinyRecipe(folder, 4);
});
afterAll(() => rm(folder, { recursive: true }));

/** Runs a command that must succeed; what it printed, line by line. */
async function pipe(...args: string[]): Promise<readonly { readonly [field: string]: unknown }[]> {
  let [out, err] = ["", ""];
  const host: Host = {
    stdout: { write: (text) => (out += text) },
    stderr: { write: (text) => (err += text) },
    env: { PIPE_CACHE: join(folder, "cache") },
    cwd: folder,
    now: () => 1_000,
    onInterrupt: () => ({ [Symbol.dispose]: () => undefined }),
    exit: () => undefined,
  };
  expect([await run([...args, "--json"], host), err.includes("error")]).toEqual([0, false]);
  return out
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as { readonly [field: string]: unknown });
}

describe.skipIf(plugin === undefined)("a run on XLA", () => {
  it("is trained, measured and used on it, and used on another engine too", async () => {
    const engine = ["kind=xla", `device=${JSON.stringify(plugin)}`].flatMap((set) => ["--set", `engine.${set}`]);
    await pipe("train", "tiny.yaml", "--set", "engine={}", ...engine);
    const info = JSON.parse(await readFile(join(folder, "runs/tiny/run.json"), "utf8")) as { engine: string };
    expect(info.engine).toBe("xla");
    const [measured] = await pipe("eval", "--run", "tiny");
    expect(measured).toMatchObject({ step: 4 });
    const options = ["--run", "tiny", "--prompt", "north", "--tokens", "8", "--temperature", "0"];
    const [[own], [other]] = [
      await pipe("generate", ...options),
      await pipe("generate", ...options, "--engine", "onnx"),
    ];
    expect(own).toEqual(other);
  });
});
