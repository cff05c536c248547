import type { StableHloProgram } from "./lower.ts";
import { PjrtApi } from "./pjrt/api.ts";
import { compileOptions, type XlaFlags } from "./pjrt/compile-options.ts";
import { programOf } from "./pjrt/client.ts";
import { type CreateOptions, namedValues } from "./pjrt/named-values.ts";
import { pinned, pinnedText } from "./pjrt/native.ts";

/** A machine that need not be here. */
export type AheadOptions = {
  /** The plug-in's library. */
  readonly plugin: string;
  /** Describes its devices to the plug-in, on CUDA `{ target_config, topology }`. */
  readonly target: CreateOptions;
  /** Devices that the program was lowered for; default 1. */
  readonly devices?: number;
  readonly flags?: XlaFlags;
};

/** What XLA plans for one device, in bytes. */
export type AheadReport = {
  readonly compileMs: number;
  readonly argumentBytes: number;
  readonly outputBytes: number;
  /** Outputs that lie where donated arguments were. */
  readonly aliasBytes: number;
  readonly temporaryBytes: number;
  /** The most at one time, arguments and outputs among it; 0 where the plug-in does not say. */
  readonly peakBytes: number;
};

/**
 * Compiles a program for devices that are described and need not be here, and says what memory it will take.
 * @throws PipeError `engine-failed`, and those of loading a plug-in.
 */
export async function compileAhead(
  program: Pick<StableHloProgram, "text">,
  { plugin, target, devices = 1, flags = {} }: AheadOptions,
): Promise<AheadReport> {
  const api = new PjrtApi(plugin);
  const [name, described] = [pinnedText("target"), namedValues(target)];
  const topology = api.call("TopologyDescription_Create", {
    name: name.bytes,
    name_size: name.length,
    create_options: described.bytes,
    num_options: described.count,
  })("topology");
  try {
    const encoded = compileOptions(
      Array.from({ length: devices }, (_, i) => i),
      flags,
    );
    const options = pinned(encoded.length);
    options.set(encoded);
    const begin = performance.now();
    const compiled = await api.callAsync("Compile", {
      topology,
      program: programOf(program.text),
      compile_options: options,
      compile_options_size: encoded.length,
    });
    const compileMs = performance.now() - begin;
    const executable = compiled("executable");
    try {
      const plan = api.call("Executable_GetCompiledMemoryStats", { executable });
      return {
        compileMs,
        argumentBytes: Number(plan("argument_bytes")),
        outputBytes: Number(plan("output_bytes")),
        aliasBytes: Number(plan("alias_bytes")),
        temporaryBytes: Number(plan("temporary_bytes")),
        peakBytes: Number(plan("peak_bytes")),
      };
    } finally {
      api.call("Executable_Destroy", { executable });
    }
  } finally {
    api.call("TopologyDescription_Destroy", { topology });
  }
}
