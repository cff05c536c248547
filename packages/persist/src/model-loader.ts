import { stat } from "node:fs/promises";
import { join } from "node:path";
import {
  arrayFromBytes,
  bytesOf,
  formatSpec,
  PipeError,
  sizeOf,
  type HostTensor,
  type ParameterSpec,
} from "@pipe/core";
import { externalName, externalSpec, fromExternal } from "./external-layout.ts";
import { isErrno } from "./errno.ts";
import { type CheckpointName, findCheckpoint } from "./find-checkpoint.ts";
import { checkFiles, checkVersion, readManifest } from "./manifest.ts";
import { openSafetensors, type SafetensorsFile } from "./safetensors-reader.ts";

// Causal masks that older GPT-2 files carry.
const IGNORED = /(^|\.)attn\.(bias|masked_bias)$/;

/** Which weights to load. */
export type LoadOptions = {
  /** Makes `path` a folder of checkpoints, of which this one is loaded. */
  readonly checkpoint?: CheckpointName;
};

/** Brings weights of a checkpoint, a `.safetensors` file or a Hugging Face folder into host tensors. */
export class ModelLoader {
  /**
   * Reads one tensor for each parameter.
   *
   * Names match with and without `transformer.`; stored half-precision floats become float32, transposed weights are turned
   * and padded vocabulary rows filled with zero. Causal masks and a head that equals the token embedding are passed over.
   *
   * @param path a checkpoint folder, a folder with `model.safetensors`, or a `.safetensors` file.
   * @throws PipeError `weights-missing` where nothing is there, `weights-mismatch` that lists every tensor that is missing,
   * left over or of another shape, `safetensors-damaged`, `checkpoint-damaged`, `checkpoint-missing`.
   */
  async load(
    path: string,
    parameters: readonly ParameterSpec[],
    { checkpoint }: LoadOptions = {},
  ): Promise<{ [name: string]: HostTensor }> {
    const found = checkpoint === undefined ? path : (await findCheckpoint(path, checkpoint)).location;
    const file = await openSafetensors(await locate(found));
    try {
      const names = await matchNames(file, parameters);
      const tensors: { [name: string]: HostTensor } = {};
      for (const parameter of parameters) {
        const { data } = await file.read(names.get(parameter)!);
        const spec = { shape: parameter.shape, dtype: parameter.dtype };
        const bytes = fromExternal(parameter, bytesOf(data));
        tensors[parameter.name] = { spec, data: arrayFromBytes(bytes, spec, parameter.name) };
      }
      return tensors;
    } finally {
      await file[Symbol.asyncDispose]();
    }
  }
}

/** The file with the weights; a checkpoint's is verified first. */
async function locate(path: string): Promise<string> {
  const folder = await isFolder(path);
  const file = folder === true ? join(path, "model.safetensors") : path;
  const manifest = folder === true ? await readManifest(path) : undefined;
  if (manifest !== undefined) {
    checkVersion(manifest, path);
    await checkFiles(path, manifest, ["model.safetensors"]);
  }
  if ((await isFolder(file)) === false) return file;
  throw new PipeError("weights-missing", "There are no weights here.", {
    expected: "a checkpoint folder, a folder with model.safetensors, or a .safetensors file",
    got: path,
  });
}

/** The stored name of each parameter. @throws PipeError `weights-mismatch`. */
async function matchNames(file: SafetensorsFile, parameters: readonly ParameterSpec[]) {
  const names = new Map<ParameterSpec, string>();
  const rest = new Set(file.tensors.keys());
  const problems: { expected: string; got: string }[] = [];
  for (const parameter of parameters) {
    const due = externalSpec(parameter);
    const bare = externalName(parameter).replace(/^transformer\./, "");
    const name = [externalName(parameter), bare, `transformer.${bare}`].find((candidate) => rest.delete(candidate));
    if (name === undefined) {
      problems.push({ expected: `${externalName(parameter)} ${formatSpec(due)}`, got: "no such tensor" });
      continue;
    }
    names.set(parameter, name);
    const { shape, dtype } = file.tensors.get(name)!;
    if (formatSpec({ shape, dtype: due.dtype }) !== formatSpec(due) || !isReadAs(dtype, due.dtype)) {
      problems.push({ expected: `${name} ${formatSpec(due)}`, got: `${dtype} [${shape.join(", ")}]` });
    }
  }
  for (const name of rest) {
    if (IGNORED.test(name) || (name === "lm_head.weight" && (await isTied(file)))) continue;
    const { dtype, shape } = file.tensors.get(name)!;
    problems.push({ expected: "no further tensor", got: `${name} ${dtype} [${shape.join(", ")}]` });
  }
  if (problems.length === 0) return names;
  const lines = problems.map(({ expected, got }) => `\n    expected ${expected}, got ${got}`);
  throw new PipeError(
    "weights-mismatch",
    `Stored weights do not fit the model in ${problems.length} places.${lines.join("")}`,
    {
      where: file.path,
      fix: "use the model configuration that the weights were made with (config.json beside them)",
    },
  );
}

/** Whether the head is the token embedding stored once more; another head would be lost. */
async function isTied(file: SafetensorsFile): Promise<boolean> {
  const embedding = ["wte.weight", "transformer.wte.weight"].find((name) => file.tensors.has(name));
  if (embedding === undefined) return false;
  const [head, token] = [file.tensors.get("lm_head.weight")!, file.tensors.get(embedding)!];
  if (sizeOf(head.shape) !== sizeOf(token.shape) || head.dtype !== token.dtype) return false;
  return Buffer.compare(await file.readBytes("lm_head.weight"), await file.readBytes(embedding)) === 0;
}

function isReadAs(stored: string, dtype: ParameterSpec["dtype"]): boolean {
  return { float32: ["F32", "F16", "BF16"], int32: ["I32", "I64"], bool: ["BOOL"] }[dtype].includes(stored);
}

/** Undefined where nothing is there. */
async function isFolder(path: string): Promise<boolean | undefined> {
  try {
    return (await stat(path)).isDirectory();
  } catch (error) {
    if (isErrno(error, "ENOENT") || isErrno(error, "ENOTDIR")) return undefined;
    throw error;
  }
}
