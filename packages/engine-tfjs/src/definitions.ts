import { defineComponent } from "@pipe/core";
import { z } from "zod";

const schema = z.strictObject({
  kind: z.literal("tfjs"),
  backend: z
    .enum(["cpu", "wasm", "node", "node-gpu", "webgpu"])
    .optional()
    .describe('tfjs backend that computes; default "cpu". All but "cpu" need their package.'),
  module: z
    .string()
    .min(1)
    .optional()
    .meta({ format: "path" })
    .describe("Folder of the backend's package, where it is not installed beside @pipe/engine-tfjs."),
});

/** tfjs, op by op, as a configuration names it. */
export const definitions = [
  defineComponent({
    port: "engine",
    kind: "tfjs",
    schema,
    create: async ({ kind: _, ...options }) => {
      const { createTfjsEngine } = await import("./create-engine.ts");
      return createTfjsEngine(options);
    },
  }),
] as const;

declare module "@pipe/core" {
  interface InstalledDefinitions {
    "@pipe/engine-tfjs": typeof definitions;
  }
}
