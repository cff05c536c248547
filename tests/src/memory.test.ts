import { execFileSync } from "node:child_process";
import { describe, expect, it } from "vitest";

/** Peak bytes and losses of a few steps in a process of their own. */
function train(recompute: readonly string[]): {
  readonly before: number;
  readonly peak: number;
  readonly losses: number[];
} {
  const script = new URL("./memory.process.fixture.ts", import.meta.url).pathname;
  const argv = ["--conditions=@pipe/source", script, ...recompute];
  return JSON.parse(execFileSync(process.execPath, argv, { encoding: "utf8" })) as ReturnType<typeof train>;
}

describe("memory of a training step", () => {
  it("falls by more than 35 % of the whole process where 12 layers are computed again, at the same losses", () => {
    const [whole, again] = [train([]), train(["h.*"])];
    expect(again.peak).toBeLessThan(0.65 * whole.peak);
    again.losses.forEach((loss, i) => expect(Math.abs(loss / whole.losses[i]! - 1)).toBeLessThan(2e-5));
  }, 60_000);
});
