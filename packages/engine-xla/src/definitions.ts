import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { defineComponent, messageOf, PipeError, serviceTokens } from "@pipe/core";
import { z } from "zod";
import type { Hosts } from "./hosts/hosts.ts";

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
  nodes: z.number().int().positive().default(1).describe("Processes on several hosts that compute each step together."),
  node: z.number().int().nonnegative().default(0).describe("Which of them this is; 0 is where the others meet."),
  master: z.string().optional().describe("Where node 0 can be reached, host:port."),
  secretFile: z
    .string()
    .min(1)
    .optional()
    .meta({ format: "path" })
    .describe("File with what all nodes know and nobody else: 16 characters or more."),
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
    create: async ({ kind: _, device, cache, nodes, node, master, secretFile, ...options }, services) => {
      const [{ createXlaEngine }, { pluginFor }, { cacheFolder }] = await Promise.all([
        import("./create-engine.ts"),
        import("./plugins/find-plugin.ts"),
        import("./plugins/cache-folder.ts"),
      ]);
      const { cacheFolder: token } = serviceTokens;
      const hosts = nodes === 1 ? undefined : await hostsOf({ nodes, node, master, secretFile, device });
      const folder = services.has(token) ? await services.get(token) : cacheFolder();
      const plugin = pluginFor(device, folder);
      return createXlaEngine({ ...options, hosts, plugin, ...(cache ? { cache: join(folder, "executables") } : {}) });
    },
  }),
] as const;

/** @throws PipeError `hosts-invalid`, `xla-hosts-unsupported`. */
async function hostsOf(config: {
  readonly nodes: number;
  readonly node: number;
  readonly master?: string | undefined;
  readonly secretFile?: string | undefined;
  readonly device: string;
}): Promise<Hosts> {
  const { nodes, node, master, secretFile, device } = config;
  if (device === "cpu") {
    throw new PipeError("xla-hosts-unsupported", "XLA's plug-in for CPUs computes on one host only.", {
      expected: "engine.device: cuda",
      got: `${nodes} nodes with engine.device: cpu`,
      fix: "spread processors over processes with MPI: mpirun -n 2 npx pipe train …",
    });
  }
  if (master === undefined || secretFile === undefined) {
    throw new PipeError("hosts-invalid", "Several hosts need to know where node 0 is, and a secret.", {
      expected: "engine.master: host:port, and engine.secretFile",
      fix: "pipe train --nodes 2 --node 0 --master host:port --secret-file <path>",
    });
  }
  const secret = await readFile(secretFile, "utf8").catch((cause: unknown) => {
    throw new PipeError("hosts-invalid", "The file with the nodes' secret cannot be read.", {
      got: messageOf(cause),
      where: secretFile,
      fix: "openssl rand -hex 32 > secret, and the same file on every node",
      cause,
    });
  });
  return { nodes, node, master, secret: secret.trim() };
}

declare module "@pipe/core" {
  interface InstalledDefinitions {
    "@pipe/engine-xla": typeof definitions;
  }
}
