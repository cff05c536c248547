import { cacheFolder, findPlugin } from "@pipe/engine-xla/plugins";

/** Where the XLA plug-in for CPUs is, if it is installed. */
export function xlaPlugin(): string | undefined {
  return process.env["PIPE_XLA_CPU"] ?? findPlugin("xla-cpu", cacheFolder(process.env));
}
