import type { XlaFlags } from "./pjrt/compile-options.ts";

/** Since this minor version of PJRT, XLA has a newer form of shardings. */
const NEWER = 115;

/**
 * Flags of XLA's compiler for a program on several devices. Shardings that come as StableHLO text are in the older form:
 * where the newer one is on, XLA says so at every compilation and goes back to the older one.
 */
export function meshFlags([, minor]: readonly [number, number], devices: number): XlaFlags {
  return devices > 1 && minor >= NEWER ? { xla_enable_hlo_sharding_v3: false } : {};
}
