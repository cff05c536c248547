import type { XlaFlags } from "./pjrt/compile-options.ts";

/** Size of the blocks: the C library keeps those of up to 32 MiB for the next run. */
const BLOCK = 2 ** 24;
/** Above it, keeping blocks takes more memory than it saves time. */
const SMALL = 2 ** 29;

/**
 * Flags of XLA's compiler for a program on a CPU. Minima and maxima of NaN are NaN, as anywhere else, at no cost that can be
 * measured; XLA's default drops it where it comes second, so that a run that fails looks healthy. One large block of temporary memory is given back to the system after
 * every run and comes back as fresh pages; small programs lose a sixth of their time by it, so theirs is cut into blocks.
 */
export function cpuFlags(plannedPeakBytes: number): XlaFlags {
  const blocks = plannedPeakBytes < SMALL ? { xla_multiheap_size_constraint_per_heap: BLOCK } : {};
  return { xla_cpu_enable_fast_min_max: false, ...blocks };
}
