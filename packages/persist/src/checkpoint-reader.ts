import { readFile } from "node:fs/promises";
import { join } from "node:path";
import {
  bytesOf,
  formatSpec,
  PipeError,
  type CheckpointMetadata,
  type ParameterSpec,
  type SnapshotTensor,
} from "@pipe/core";
import { OWN_FILES } from "./checkpoint-writer.ts";
import { externalName, externalSpec, fromExternal } from "./external-layout.ts";
import type { Manifest } from "./manifest.ts";
import { openSafetensors, type SafetensorsFile } from "./safetensors-reader.ts";

/** What a checkpoint holds; its tensors are read one by one. */
export type LoadedCheckpoint = { metadata: CheckpointMetadata; tensors(): AsyncIterable<SnapshotTensor> };

/** Opens a checkpoint whose files are known to be what was written. */
export async function readCheckpoint(folder: string, manifest: Manifest): Promise<LoadedCheckpoint> {
  const { parameters, ...state } = JSON.parse(await readFile(join(folder, "state.json"), "utf8")) as {
    parameters: readonly ParameterSpec[];
    step: number;
  };
  const files: { [name: string]: string | Uint8Array } = {};
  for (const [name, { text }] of Object.entries(manifest.files)) {
    if (OWN_FILES.includes(name)) continue;
    const bytes = await readFile(join(folder, name));
    files[name] = text === true ? bytes.toString("utf8") : new Uint8Array(bytes);
  }
  return { metadata: { parameters, files, state }, tensors: () => tensorsOf(folder, parameters) };
}

/** All tensors in our paths, sorted: params/…, scalars/…, slots/…. */
async function* tensorsOf(folder: string, parameters: readonly ParameterSpec[]): AsyncIterable<SnapshotTensor> {
  yield* reading(join(folder, "model.safetensors"), (file) => modelTensors(file, parameters));
  yield* reading(join(folder, "optimizer.safetensors"), otherTensors);
}

async function* reading(path: string, tensors: (file: SafetensorsFile) => AsyncIterable<SnapshotTensor>) {
  const file = await openSafetensors(path);
  try {
    yield* tensors(file);
  } finally {
    await file[Symbol.asyncDispose]();
  }
}

async function* modelTensors(file: SafetensorsFile, parameters: readonly ParameterSpec[]) {
  for (const parameter of parameters.toSorted((a, b) => (a.name < b.name ? -1 : 1))) {
    const { shape, dtype } = parameter;
    const [name, due] = [externalName(parameter), formatSpec(externalSpec(parameter))];
    const stored = await file.read(name);
    if (formatSpec(stored.spec) !== due) {
      throw new PipeError("checkpoint-damaged", "A stored tensor is not what state.json says.", {
        expected: due,
        got: formatSpec(stored.spec),
        where: `${file.path}: ${name}`,
      });
    }
    yield {
      path: `params/${parameter.name}`,
      spec: { shape, dtype },
      bytes: fromExternal(parameter, bytesOf(stored.data)),
    };
  }
}

async function* otherTensors(file: SafetensorsFile) {
  for (const path of [...file.tensors.keys()].sort()) {
    const { spec, data } = await file.read(path);
    yield { path, spec, bytes: bytesOf(data) };
  }
}
