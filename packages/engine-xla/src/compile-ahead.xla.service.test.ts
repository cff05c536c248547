import { trace } from "@pipe/graph";
import * as tf from "@pipe/graph/tf";
import { describe, expect, it } from "vitest";
import { compileAhead } from "./compile-ahead.ts";
import { lower } from "./lower.ts";

const plugin = process.env["PIPE_XLA_CPU"];

describe.skipIf(plugin === undefined)("compileAhead", () => {
  // What it does for CUDA is shown by bench/gpu/compile-h100.ts: that plug-in is too large for a test.
  it("says what a plug-in says that knows no other machine than this", async () => {
    await tf.setBackend("cpu");
    const matrix = { shape: [64, 64], dtype: "float32" } as const;
    const program = lower(trace(({ a }: { a: tf.Tensor }) => ({ b: tf.matMul(a, a) }), { a: matrix }));
    await expect(compileAhead(program, { plugin: plugin!, target: { topology: "1x1x1" } })).rejects.toThrow(
      /Topology not supported for CPU/,
    );
  });
});
