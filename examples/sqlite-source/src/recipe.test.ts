import { execFile } from "node:child_process";
import { copyFile, mkdir, mkdtemp, rm } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { expect, it } from "vitest";

const here = join(import.meta.dirname, "..");
const node = async (...args: readonly string[]): Promise<string> =>
  (await promisify(execFile)(process.execPath, ["--conditions=@pipe/source", ...args])).stdout;

it("trains on the rows of a table, which the recipe finds beside itself", async () => {
  // Inside of this package, whose name the recipe uses.
  await mkdir(join(here, "node_modules"), { recursive: true });
  const folder = await mkdtemp(join(here, "node_modules/.recipe-"));
  try {
    await copyFile(join(here, "recipe.yaml"), join(folder, "recipe.yaml"));
    await node(join(here, "src/make-notes.ts"), join(folder, "notes.sqlite"));
    const pipe = join(here, "../../apps/trainer/src/main.ts");
    const args = ["train", join(folder, "recipe.yaml"), "--runs-dir", folder, "--json", "--set", "training.steps=2"];
    expect(await node(pipe, ...args)).toMatch(/"event":"run-ended","step":2,"reason":"completed"/);
  } finally {
    await rm(folder, { recursive: true });
  }
});
