import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";
import { expect, it } from "vitest";

it("tells the spirals apart", async () => {
  const file = join(import.meta.dirname, "main.ts");
  const { stdout } = await promisify(execFile)(process.execPath, ["--conditions=@pipe/source", file]);
  const [, accuracy] = /accuracy on 2000 new points: ([\d.]+) %/.exec(stdout)!;
  expect(Number(accuracy)).toBeGreaterThan(97);
});
