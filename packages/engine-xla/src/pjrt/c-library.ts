import { platform } from "node:os";
import { PipeError } from "@pipe/core";
import koffi from "koffi";
import { enlargeStacks } from "./koffi-stacks.ts";

type CLibrary = {
  readonly setenv: (name: string, value: string, overwrite: number) => number;
  readonly unsetenv: (name: string) => number;
  readonly dlopen: (path: string, flags: number) => unknown;
  readonly malloc: (bytes: number) => bigint;
  /** Address of the function `free`. */
  readonly free: bigint;
};

/** `RTLD_NOW | RTLD_NODELETE`. */
const systems: { readonly [platform: string]: { readonly name: string; readonly keep: number } } = {
  linux: { name: "libc.so.6", keep: 0x2 | 0x1000 },
  darwin: { name: "libSystem.B.dylib", keep: 0x2 | 0x80 },
};

let library: CLibrary | undefined;

/** The C library's functions that are needed here; none on Windows. */
function cLibrary(): CLibrary | undefined {
  const system = systems[platform()];
  if (system === undefined) return undefined;
  if (library !== undefined) return library;
  enlargeStacks();
  const loaded = koffi.load(system.name);
  library = {
    setenv: loaded.func("int setenv(const char *name, const char *value, int overwrite)"),
    unsetenv: loaded.func("int unsetenv(const char *name)"),
    dlopen: loaded.func("void *dlopen(const char *path, int flags)"),
    malloc: loaded.func("void *malloc(size_t bytes)"),
    free: koffi.address(loaded.symbol("free")),
  };
  return library;
}

/**
 * Keeps a library that is loaded in the process to its very end: koffi unloads it before, and the functions that it has
 * registered for the exit of the process would then be called in memory that is gone.
 */
export function keepLoaded(path: string): void {
  cLibrary()?.dlopen(path, systems[platform()]!.keep);
}

/**
 * Allocates memory for whoever calls `free` on it, the address of which comes along.
 * @throws PipeError `unsupported-platform` on Windows.
 */
export function allocate(bytes: number): { readonly address: bigint; readonly free: bigint } {
  const library = cLibrary();
  if (library === undefined) {
    throw new PipeError("unsupported-platform", "Several hosts are for Linux and macOS.", { got: platform() });
  }
  return { address: library.malloc(Math.max(1, bytes)), free: library.free };
}

/** What plug-ins for CPUs read when a client starts; they have no option for it. */
const THREADS = "PJRT_NPROC";

/** Starts something while the C environment tells CPU plug-ins how many threads to use; on Windows they use all. */
export function withThreads<T>(threads: number, start: () => T): T {
  const library = cLibrary();
  library?.setenv(THREADS, String(threads), 1);
  try {
    return start();
  } finally {
    library?.unsetenv(THREADS);
  }
}
