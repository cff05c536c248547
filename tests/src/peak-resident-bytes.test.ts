import { execFileSync } from "node:child_process";
import { expect, it } from "vitest";
import { peakResidentBytes } from "@pipe/core";

it("counts what a process held at its peak, and nothing of the process that started it", () => {
  const held = 256 * 2 ** 20;
  const before = peakResidentBytes();
  const ballast = Buffer.alloc(held, 1);
  const peak = peakResidentBytes();
  expect(peak).toBeGreaterThan(Math.max(before, held));
  const script = `import { peakResidentBytes } from "@pipe/core"; console.log(peakResidentBytes());`;
  const argv = ["--conditions=@pipe/source", "--input-type=module", "--eval", script];
  const options = { cwd: import.meta.dirname, encoding: "utf8" } as const;
  const child = Number(execFileSync(process.execPath, argv, options));
  expect(child).toBeGreaterThan(16 * 2 ** 20);
  expect(child).toBeLessThan(held);
  expect(ballast[held - 1]).toBe(1);
});
