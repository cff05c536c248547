import { execFileSync } from "node:child_process";
import { expect, it } from "vitest";

/** A process that holds what it is told, says its peak before and after, and what one says that it starts then. */
const script = `
  import { execFileSync } from "node:child_process";
  import { peakResidentBytes } from "@pipe/core";
  const [held] = process.argv.slice(1).map(Number);
  const before = peakResidentBytes();
  const ballast = Buffer.alloc(held, 1);
  const after = peakResidentBytes();
  const child = held === 0 ? undefined : JSON.parse(execFileSync(process.execPath, [...process.execArgv, "0"]));
  console.log(JSON.stringify({ before, after, child, last: ballast.at(-1) }));
`;

it("counts what a process held at its peak, and nothing of the process that started it", () => {
  const held = 256 * 2 ** 20;
  // A process of its own: that of the tests may have held more before.
  const argv = ["--conditions=@pipe/source", "--input-type=module", "--eval", script, String(held)];
  const options = { cwd: import.meta.dirname, encoding: "utf8" } as const;
  const { before, after, child, last } = JSON.parse(execFileSync(process.execPath, argv, options));
  expect(before).toBeGreaterThan(16 * 2 ** 20);
  expect(before).toBeLessThan(held);
  expect(after - before).toBeGreaterThan(0.9 * held);
  expect(child.after).toBeGreaterThan(16 * 2 ** 20);
  expect(child.after).toBeLessThan(held);
  expect(last).toBe(1);
});
