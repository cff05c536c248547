import { messageOf } from "@pipe/core";
import { withEngine } from "../engine.ts";
import type { Host } from "../host.ts";
import { parseCommand, usageError } from "../usage.ts";

/** `pipe engines`: what can compute here, and the command that brings what is missing. */
export async function engines(args: readonly string[], host: Host): Promise<number> {
  const { values, positionals } = parseCommand(args, {}, 1);
  const [action = "list"] = positionals;
  if (action !== "list" && action !== "doctor")
    throw usageError(`There is no engines command ${JSON.stringify(action)}.`);
  const found = await probe();
  if (values.json === true) host.stdout.write(`${JSON.stringify(found)}\n`);
  else if (found.available) host.stdout.write(`onnx  ${found.device}, ${found.threads} threads\n`);
  else
    host.stdout.write(
      `onnx  not installed: ${found.problem}\n      ONNXRUNTIME_NODE_INSTALL=skip npm install onnxruntime-node\n`,
    );
  return 0;
}

async function probe(): Promise<
  | { readonly kind: "onnx"; readonly available: true; readonly device: string; readonly threads: number }
  | { readonly kind: "onnx"; readonly available: false; readonly problem: string }
> {
  try {
    return await withEngine(async ({ device }) => ({
      kind: "onnx",
      available: true,
      device: device.name,
      threads: device.threads ?? 1,
    }));
  } catch (error) {
    return { kind: "onnx", available: false, problem: messageOf(error).split("\n")[0]! };
  }
}
