import { protoDouble, type ProtoField, protoInteger, protoMessage, protoString } from "./protobuf.ts";

/** A flag of XLA's compiler, such as `xla_gpu_autotune_level: 0`. */
export type XlaFlags = { readonly [name: string]: string | number | boolean };

/**
 * `xla.CompileOptionsProto` for a program on the devices of these ids: its executable build options (3) and flags over the
 * defaults (7). Several devices take one partition of the program each, cut by Shardy (Google, 2024).
 */
export function compileOptions(devices: readonly number[], flags: XlaFlags = {}): Uint8Array {
  const count = devices.length;
  const places = devices.map((device) => protoMessage(3, protoInteger(1, device)));
  const assignment = protoMessage(9, protoInteger(1, 1), protoInteger(2, count), ...places);
  // use_spmd_partitioning and use_shardy_partitioner.
  const partitioner = count === 1 ? [] : [protoInteger(6, true), protoInteger(19, true)];
  // -1: the assignment says which devices; one replica (4) of so many partitions (5).
  const one = [protoInteger(1, -1), protoInteger(4, 1), protoInteger(5, count)];
  const build = protoMessage(3, ...one, ...partitioner, assignment);
  const overrides = Object.entries(flags).map(([name, value]) =>
    protoMessage(7, protoString(1, name), protoMessage(2, overrideOf(value))),
  );
  return Uint8Array.from([...build, ...overrides.flat()]);
}

/** `xla.OptionOverrideProto`. */
function overrideOf(value: string | number | boolean): ProtoField {
  if (typeof value === "string") return protoString(1, value);
  if (typeof value === "boolean") return protoInteger(2, value);
  return Number.isInteger(value) ? protoInteger(3, value) : protoDouble(4, value);
}
