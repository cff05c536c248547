import { bytesOf, type HostTensor, type ParameterSpec } from "@pipe/core";
import { externalName, externalSpec, toExternal } from "./external-layout.ts";
import type { FileDigest } from "./hashed-file.ts";
import { writeSafetensors } from "./safetensors-writer.ts";

/**
 * Writes parameters as a `model.safetensors` that other tools load: names, layouts and shapes of `external`, without rows
 * that only pad. The inverse of {@link ModelLoader.load}.
 */
export async function writeWeights(
  path: string,
  parameters: readonly ParameterSpec[],
  tensors: { readonly [name: string]: HostTensor },
): Promise<FileDigest> {
  return writeSafetensors(
    path,
    parameters.map((parameter) => ({ name: externalName(parameter), spec: externalSpec(parameter) })),
    (async function* () {
      for (const parameter of parameters) {
        yield {
          name: externalName(parameter),
          bytes: toExternal(parameter, bytesOf(tensors[parameter.name]!.data)),
        };
      }
    })(),
    { metadata: { format: "pt" } },
  );
}
