import { defineComponent } from "@pipe/core";
import { z } from "zod";

const schema = z.strictObject({
  kind: z.literal("onnx"),
  provider: z
    .enum(["cpu", "webgpu", "cuda"])
    .optional()
    .describe("What computes: the processor (default), any GPU through WebGPU, or one of NVIDIA's through CUDA."),
  threads: z.number().int().positive().optional().describe("Threads of one op; default all cores."),
  profile: z
    .string()
    .min(1)
    .optional()
    .meta({ format: "path" })
    .describe("Folder for a trace of every op, one file a program, in Chrome's trace format."),
});

/** ONNX Runtime, as a configuration names it. */
export const definitions = [
  defineComponent({
    port: "engine",
    kind: "onnx",
    schema,
    create: async ({ kind: _, ...options }) => {
      const { createOnnxEngine } = await import("./create-engine.ts");
      return createOnnxEngine(options);
    },
  }),
] as const;

declare module "@pipe/core" {
  interface InstalledDefinitions {
    "@pipe/engine-onnx": typeof definitions;
  }
}
