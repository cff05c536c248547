import { existsSync, globSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { PipeError } from "@pipe/core";
import { loadLibrary } from "../pjrt/native.ts";

/** What XLA opens once hosts compute together; it ends the process where one is missing. */
const needed = ["libcublas.so.13", "libcublasLt.so.13", "libcudnn.so.9", "libnccl.so.2"] as const;

/**
 * Checks that the libraries of CUDA that several hosts need can be opened: from NVIDIA's wheels unpacked beside the plug-in, where it
 * looks first, or from the system.
 * @throws PipeError `xla-library-missing`.
 */
export function checkCudaLibraries(plugin: string): void {
  if (!basename(plugin).includes("cuda")) return;
  const beside = join(dirname(plugin), "../../nvidia");
  const missing = needed.filter((name) => !isBeside(beside, name) && !opens(name));
  if (missing.length === 0) return;
  throw new PipeError("xla-library-missing", "Libraries that several hosts need are not here.", {
    expected: needed.join(", "),
    got: `no ${missing.join(", ")}`,
    where: beside,
    fix: "install CUDA 13, cuDNN 9 and NCCL 2, or unpack NVIDIA's wheels of them there",
  });
}

function isBeside(folder: string, name: string): boolean {
  return globSync(`*/lib/${name}`, { cwd: folder }).some((path) => existsSync(join(folder, path)));
}

function opens(name: string): boolean {
  try {
    loadLibrary(name);
    return true;
  } catch {
    return false;
  }
}
