import { defineComponent } from "@pipe/core";
import { z } from "zod";

const schema = z.strictObject({
  kind: z.literal("onnx"),
  threads: z.number().int().positive().optional().describe("Threads of one op; default all cores."),
});

/** ONNX Runtime on the CPU, as a configuration names it. */
export const definitions = [
  defineComponent({
    port: "engine",
    kind: "onnx",
    schema,
    create: async ({ threads }) => {
      const { createOnnxEngine } = await import("./create-engine.ts");
      return createOnnxEngine(threads === undefined ? {} : { threads });
    },
  }),
] as const;

declare module "@pipe/core" {
  interface InstalledDefinitions {
    "@pipe/engine-onnx": typeof definitions;
  }
}
