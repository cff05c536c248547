import type { CompileOptions, IEngine } from "@pipe/core";
import type { trace } from "@pipe/graph";
import { gptStep } from "../train/gpt-step.ts";
import type { Size } from "../train/sizes.ts";

type Captured = {
  readonly program: Parameters<typeof trace>[0];
  readonly specs: Parameters<typeof trace>[1];
  readonly options: CompileOptions;
};

/** The program of a training step and how it wants to be compiled, without an engine that would run it. */
export async function capturedStep({ rows, ...size }: Omit<Size, "steps">): Promise<Captured> {
  let captured: Captured | undefined;
  const caught = new Error("captured");
  const engine = {
    compile: (program: Captured["program"], specs: Captured["specs"], options: CompileOptions) => {
      captured = { program, specs, options };
      return Promise.reject(caught);
    },
  } as unknown as IEngine;
  await gptStep(engine, { size, rows }).catch((error: unknown) => {
    if (error !== caught) throw error;
  });
  return captured!;
}
