/** What is used of Node's `process`: this package is for browsers too. */
type Process = {
  readonly platform: string;
  resourceUsage(): { readonly maxRSS: number };
  getBuiltinModule(name: "node:fs"): { readFileSync(path: string, encoding: "latin1"): string };
};

/**
 * The most memory that this process has held at a time, in bytes; 0 in a browser, which does not tell.
 *
 * `getrusage` would do, but on Linux a process begins with the figure of the one that started it, as both share memory
 * until the new one loads its program. So it is asked only where the system does not count by address space.
 */
export function peakResidentBytes(): number {
  const { process } = globalThis as { process?: Process };
  if (process === undefined) return 0;
  const ownKiB = process.platform === "linux" ? /^VmHWM:\s*(\d+) kB$/m.exec(statusOf(process))?.[1] : undefined;
  return (ownKiB === undefined ? process.resourceUsage().maxRSS : Number(ownKiB)) * 1024;
}

/** What the kernel says of the process; nothing where it hides that. */
function statusOf(process: Process): string {
  try {
    return process.getBuiltinModule("node:fs").readFileSync("/proc/self/status", "latin1");
  } catch {
    return "";
  }
}
