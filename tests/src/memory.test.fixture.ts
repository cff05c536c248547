import { execFileSync } from "node:child_process";
import { expect, it } from "vitest";

/** Peak bytes and losses of a few steps in a process of their own. */
function train(
  plugin: string,
  recompute: readonly string[],
): {
  readonly before: number;
  readonly peak: number;
  readonly losses: number[];
} {
  const script = new URL("./memory.process.fixture.ts", import.meta.url).pathname;
  const argv = ["--conditions=@pipe/source", script, plugin, ...recompute];
  return JSON.parse(execFileSync(process.execPath, argv, { encoding: "utf8" })) as ReturnType<typeof train>;
}

/** Memory on ONNX Runtime, or on an XLA plug-in: at most this share is left where all blocks are computed again. */
export function memoryTests(plugin: string, share: number): void {
  it("falls in the whole process where 12 layers are computed again, at the same losses", () => {
    const [whole, again] = [train(plugin, []), train(plugin, ["h.*"])];
    expect(again.peak).toBeLessThan(share * whole.peak);
    again.losses.forEach((loss, i) => expect(Math.abs(loss / whole.losses[i]! - 1)).toBeLessThan(2e-5));
  });
}
