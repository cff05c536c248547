import { join } from "node:path";
import { defineComponent, serviceTokens } from "@pipe/core";
import { z } from "zod";

const values = z.record(z.string(), z.union([z.string(), z.number(), z.boolean()]));

const schema = z.strictObject({
  kind: z.literal("xla"),
  device: z
    .string()
    .min(1)
    .default("cpu")
    .describe("cpu or cuda, whose plug-ins `pipe engines install` brings, or the path of any PJRT plug-in."),
  index: z.number().int().nonnegative().optional().describe("Which of the plug-in's devices computes; default 0."),
  mesh: z
    .strictObject({
      data: z.number().int().positive().describe("Devices that share the rows of a batch."),
      fsdp: z.boolean().default(false).describe("Whether they share parameters and optimizer state as well."),
    })
    .optional()
    .describe("Several devices that compute each step together, from `index` on; default one."),
  threads: z.number().int().positive().optional().describe("Threads of a CPU; default all cores."),
  options: values.optional().describe("Options of the plug-in's client."),
  flags: values.optional().describe("Flags of XLA's compiler (xla_…)."),
  precision: z
    .enum(["fp32", "bf16", "fp16"])
    .optional()
    .describe(
      "Factors of matrix products: fp32, or bf16 or fp16 with sums in fp32; default fp32. Training with fp16 wants `training.precision`, which scales the loss.",
    ),
  cache: z.boolean().default(true).describe("Whether compiled programs are kept for later starts."),
});

/** XLA through a PJRT plug-in, as a configuration names it. */
export const definitions = [
  defineComponent({
    port: "engine",
    kind: "xla",
    schema,
    create: async ({ kind: _, device, cache, ...options }, services) => {
      const [{ createXlaEngine }, { pluginFor }, { cacheFolder }] = await Promise.all([
        import("./create-engine.ts"),
        import("./plugins/find-plugin.ts"),
        import("./plugins/cache-folder.ts"),
      ]);
      const { cacheFolder: token } = serviceTokens;
      const folder = services.has(token) ? await services.get(token) : cacheFolder();
      const plugin = pluginFor(device, folder);
      return createXlaEngine({ ...options, plugin, ...(cache ? { cache: join(folder, "executables") } : {}) });
    },
  }),
] as const;

declare module "@pipe/core" {
  interface InstalledDefinitions {
    "@pipe/engine-xla": typeof definitions;
  }
}
