import { protoDouble, type ProtoField, protoInteger, protoMessage, protoString } from "./protobuf.ts";

/** A flag of XLA's compiler, such as `xla_gpu_autotune_level: 0`. */
export type XlaFlags = { readonly [name: string]: string | number | boolean };

/** `xla.CompileOptionsProto` for a program on one device: its executable build options (3) and flags over the defaults (7). */
export function compileOptions(flags: XlaFlags = {}): Uint8Array {
  // -1: any device; one replica of one partition.
  const build = protoMessage(3, protoInteger(1, -1), protoInteger(4, 1), protoInteger(5, 1));
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
