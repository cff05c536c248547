import { join } from "node:path";
import {
  PipeError,
  type CheckpointMetadata,
  type ISnapshot,
  type Json,
  type ParameterSpec,
  type SnapshotTensor,
} from "@pipe/core";
import { canonicalJson } from "./canonical-json.ts";
import { externalName, externalSpec, toExternal } from "./external-layout.ts";
import { writeHashed } from "./hashed-file.ts";
import { encodeManifest, isPlainName, type Manifest } from "./manifest.ts";
import { writeSafetensors } from "./safetensors-writer.ts";

/** The files that every checkpoint has. */
export const OWN_FILES: readonly string[] = [
  "model.safetensors",
  "optimizer.safetensors",
  "state.json",
  "manifest.json",
];

/** Writes all files of a checkpoint into an empty folder, manifest.json last. */
export async function writeCheckpoint(folder: string, state: ISnapshot, metadata: CheckpointMetadata): Promise<void> {
  const parameters = parametersOf(state, metadata.parameters);
  const others = [...state.specs].filter(([path]) => !path.startsWith("params/"));
  const digests: { [name: string]: Manifest["files"][string] } = {};
  // One pass over the snapshot: params/… come before scalars/… and slots/….
  const tensors = state.tensors()[Symbol.asyncIterator]();
  try {
    digests["model.safetensors"] = await writeSafetensors(
      join(folder, "model.safetensors"),
      parameters.map((parameter) => ({ name: externalName(parameter), spec: externalSpec(parameter) })),
      modelTensors(tensors, parameters),
      { metadata: { format: "pt" } },
    );
    digests["optimizer.safetensors"] = await writeSafetensors(
      join(folder, "optimizer.safetensors"),
      others.map(([name, spec]) => ({ name, spec })),
      otherTensors(tensors),
    );
  } finally {
    await tensors.return?.();
  }
  for (const [name, content] of Object.entries({ ...metadata.files, "state.json": stateText(metadata) })) {
    const digest = await writeHashed(join(folder, name), [
      typeof content === "string" ? Buffer.from(content) : content,
    ]);
    digests[name] = typeof content === "string" ? { ...digest, text: true } : digest;
  }
  await writeHashed(join(folder, "manifest.json"), [Buffer.from(encodeManifest(digests))]);
}

/** Makes sure that further files can lie beside the checkpoint's own. @throws PipeError `file-name-invalid`. */
export function checkFileNames(names: readonly string[]): void {
  const wrong = names.find((name) => !isPlainName(name) || OWN_FILES.includes(name));
  if (wrong === undefined) return;
  throw new PipeError("file-name-invalid", "A further file of a checkpoint cannot have this name.", {
    expected: `a plain file name other than ${OWN_FILES.join(", ")}`,
    got: wrong,
  });
}

/** The parameters in the order of their tensors. @throws PipeError `snapshot-mismatch`. */
function parametersOf(state: ISnapshot, parameters: readonly ParameterSpec[]): readonly ParameterSpec[] {
  const byPath = new Map(parameters.map((parameter) => [`params/${parameter.name}`, parameter]));
  const there = [...state.specs.keys()].filter((path) => path.startsWith("params/"));
  const missing = [...byPath.keys()].filter((path) => !state.specs.has(path));
  const unknown = there.filter((path) => !byPath.has(path));
  if (missing.length + unknown.length === 0) return there.map((path) => byPath.get(path)!);
  throw new PipeError("snapshot-mismatch", "The tensors of a snapshot are not the parameters of its model.", {
    expected: `${byPath.size} parameters${missing.length === 0 ? "" : `, among them ${missing.join(", ")}`}`,
    got: `${there.length} tensors${unknown.length === 0 ? "" : `, among them ${unknown.join(", ")}`}`,
  });
}

async function* modelTensors(tensors: AsyncIterator<SnapshotTensor>, parameters: readonly ParameterSpec[]) {
  for (const parameter of parameters) {
    const { path, bytes } = (await tensors.next()).value as SnapshotTensor;
    if (path !== `params/${parameter.name}`) {
      throw new PipeError("snapshot-mismatch", "A snapshot's tensors do not come in the order of its specs.", {
        expected: `params/${parameter.name}`,
        got: path,
      });
    }
    yield { name: externalName(parameter), bytes: toExternal(parameter, bytes) };
  }
}

async function* otherTensors(tensors: AsyncIterator<SnapshotTensor>) {
  for (let next = await tensors.next(); next.done !== true; next = await tensors.next()) {
    yield { name: next.value.path, bytes: next.value.bytes };
  }
}

function stateText({ parameters, state }: CheckpointMetadata): string {
  if ("parameters" in state) {
    throw new PipeError("state-key", "A part of the run has a key that is taken.", { got: "parameters" });
  }
  return canonicalJson({ ...state, parameters: parameters as readonly unknown[] as Json }, "state.json");
}
