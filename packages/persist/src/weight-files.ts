import { readdir, stat } from "node:fs/promises";
import { basename, join } from "node:path";
import { messageOf, PipeError } from "@pipe/core";
import { readIfThere } from "./atomic.ts";
import { isErrno } from "./errno.ts";
import { checkFiles, checkVersion, isPlainName, readManifest } from "./manifest.ts";
import { damaged } from "./safetensors-header.ts";

const WEIGHTS = "model.safetensors";
const INDEX = "model.safetensors.index.json";
/** Files of other frameworks: pickles, which run code when they are read, and formats that nothing else needs. */
const FOREIGN = /\.(bin|pt|pth|ckpt|h5|msgpack)$/;

/**
 * Finds the safetensors files that weights are in: a file itself, or those of a folder. A checkpoint's are compared with
 * their hashes first.
 * @throws PipeError `weights-missing`, `weights-unsupported`, `checkpoint-damaged`, `checkpoint-newer`, `safetensors-damaged`.
 */
export async function weightFiles(path: string): Promise<readonly string[]> {
  const kind = await kindOf(path);
  if (kind === "file") {
    if (FOREIGN.test(path)) throw foreign(path);
    return [path];
  }
  if (kind === "nothing") throw missing(path);
  const manifest = await readManifest(path);
  if (manifest !== undefined) {
    checkVersion(manifest, path);
    await checkFiles(path, manifest, [WEIGHTS]);
  }
  if ((await kindOf(join(path, WEIGHTS))) === "file") return [join(path, WEIGHTS)];
  const index = await readIfThere(join(path, INDEX));
  if (index !== undefined) return shardsOf(path, index);
  const others = (await readdir(path)).filter((name) => FOREIGN.test(name));
  throw others.length === 0 ? missing(path) : foreign(join(path, others[0]!));
}

/** The files that an index names. */
async function shardsOf(folder: string, text: string): Promise<readonly string[]> {
  const where = join(folder, INDEX);
  let names: readonly unknown[];
  try {
    names = Object.values((JSON.parse(text) as { weight_map: object }).weight_map);
  } catch (cause) {
    throw damaged("an index with a weight_map", messageOf(cause), where, cause);
  }
  const shards = [...new Set(names)].map((name) => {
    if (typeof name === "string" && isPlainName(name)) return join(folder, name);
    throw damaged("names of files beside the index", JSON.stringify(name), where);
  });
  const lost: string[] = [];
  for (const shard of shards) if ((await kindOf(shard)) !== "file") lost.push(basename(shard));
  if (shards.length > 0 && lost.length === 0) return shards;
  throw new PipeError("weights-missing", "Weights in several files are not complete.", {
    expected: `${shards.length} files`,
    got: lost.length === 0 ? "an index that names none" : `no ${lost.join(", ")}`,
    where,
    fix: "get the missing files from where the others came",
  });
}

function missing(path: string): PipeError {
  return new PipeError("weights-missing", "There are no weights here.", {
    expected: `a checkpoint folder, a folder with ${WEIGHTS} or ${INDEX}, or a .safetensors file`,
    got: path,
  });
}

function foreign(path: string): PipeError {
  return new PipeError("weights-unsupported", "Weights are read from safetensors only.", {
    expected: WEIGHTS,
    got: basename(path),
    where: path,
    fix:
      "convert them in Python, where you trust the file: " +
      'GPT2LMHeadModel.from_pretrained("<folder>").save_pretrained("<new folder>"), from the package transformers',
  });
}

async function kindOf(path: string): Promise<"file" | "folder" | "nothing"> {
  try {
    return (await stat(path)).isDirectory() ? "folder" : "file";
  } catch (error) {
    if (isErrno(error, "ENOENT") || isErrno(error, "ENOTDIR")) return "nothing";
    throw error;
  }
}
