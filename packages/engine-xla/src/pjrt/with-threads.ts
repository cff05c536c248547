import { platform } from "node:os";
import { loadLibrary } from "./native.ts";

/** What the plug-in for CPUs reads when a client starts; it has no option for it. */
const VARIABLE = "PJRT_NPROC";

/** Starts something while the C environment tells CPU plug-ins how many threads to use; elsewhere than on Unix, all. */
export function withThreads<T>(threads: number, start: () => T): T {
  const name = { linux: "libc.so.6", darwin: "libSystem.B.dylib" }[platform() as string];
  if (name === undefined) return start();
  const library = loadLibrary(name);
  const set = library.func("int setenv(const char *name, const char *value, int overwrite)");
  const unset = library.func("int unsetenv(const char *name)");
  set(VARIABLE, String(threads), 1);
  try {
    return start();
  } finally {
    unset(VARIABLE);
  }
}
