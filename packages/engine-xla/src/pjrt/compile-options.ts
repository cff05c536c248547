import { protoDouble, type ProtoField, protoInteger, protoMessage, protoString } from "./protobuf.ts";

/** A flag of XLA's compiler, such as `xla_gpu_autotune_level: 0`. */
export type XlaFlags = { readonly [name: string]: string | number | boolean };

/**
 * `xla.CompileOptionsProto` for a program on the device of an id: its executable build options (3) and flags over the
 * defaults (7).
 */
export function compileOptions(device: number, flags: XlaFlags = {}): Uint8Array {
  // -1: the assignment says which device; one replica (4) of one partition (5).
  const assignment = protoMessage(9, protoInteger(1, 1), protoInteger(2, 1), protoMessage(3, protoInteger(1, device)));
  const build = protoMessage(3, protoInteger(1, -1), protoInteger(4, 1), protoInteger(5, 1), assignment);
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
