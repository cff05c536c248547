import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { once } from "node:events";
import {
  closeSync,
  existsSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  readSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { VectorSpace } from "@pipe/core";
import { GraphSpace } from "./graph-space.ts";

/** What lies beside a stored graph. */
type Manifest = {
  readonly format: 1;
  readonly space: VectorSpace;
  /** Counts the graphs that were stored for the space. */
  readonly generation: number;
  /** The last change that it knows. */
  readonly sequence: number;
  readonly rows: number;
  readonly gone: number;
  /** The file of the graph, and of its keys as little-endian uint32. */
  readonly file: string;
  readonly keys: string;
  readonly sha256: string;
};

/** A graph that was read, with what it knows. */
export type StoredGraph = { readonly graph: GraphSpace; readonly sequence: number; readonly generation: number };

/**
 * Keeps a graph in a folder, so that a crash at any moment leaves the graph of before or the new one: files of a new
 * generation are written and flushed first, then the manifest is replaced.
 */
export function saveGraph(folder: string, space: VectorSpace, { graph, sequence, generation }: StoredGraph): void {
  mkdirSync(folder, { recursive: true });
  const [file, keys] = [`graph-${generation}.usearch`, `graph-${generation}.keys`];
  graph.save(join(folder, file));
  flush(join(folder, file));
  writeFileSync(join(folder, keys), Uint32Array.from(graph.keys()));
  flush(join(folder, keys));
  const manifest: Manifest = {
    format: 1,
    space,
    generation,
    sequence,
    rows: graph.rows,
    gone: graph.gone,
    file,
    keys,
    sha256: digest(folder, [file, keys]),
  };
  const place = join(folder, "manifest.json");
  writeFileSync(`${place}.new`, `${JSON.stringify(manifest, undefined, 2)}\n`);
  flush(`${place}.new`);
  renameSync(`${place}.new`, place);
  flush(folder);
  const current = new Set(["manifest.json", file, keys]);
  for (const name of readdirSync(folder)) if (!current.has(name)) rmSync(join(folder, name), { force: true });
}

/** The stored graph of a space, or nothing where there is none that is whole: it is built again then. */
export async function loadGraph(folder: string, space: VectorSpace): Promise<StoredGraph | undefined> {
  try {
    const manifest = JSON.parse(readFileSync(join(folder, "manifest.json"), "utf8")) as Manifest;
    const { format, file, keys, sha256, sequence, generation, gone } = manifest;
    if (format !== 1 || JSON.stringify(manifest.space) !== JSON.stringify(space)) return undefined;
    // Tried there while it is hashed here.
    const trial = loadsElsewhere(join(folder, file));
    const isSame = digest(folder, [file, keys]) === sha256;
    if (!(await trial) || !isSame) return undefined;
    const all = new Uint32Array(Uint8Array.from(readFileSync(join(folder, keys))).buffer);
    return { graph: GraphSpace.load(join(folder, file), space.dimensions, all, gone), sequence, generation };
  } catch (error) {
    if ((error as { code?: string }).code === "usearch-missing") throw error;
    return undefined;
  }
}

/** Whether another process can load a graph: a file that usearch cannot read may end the one that tries. */
async function loadsElsewhere(path: string): Promise<boolean> {
  const name = import.meta.url.endsWith(".ts") ? "./try-graph.ts" : "./try-graph.js";
  const script = fileURLToPath(new URL(name, import.meta.url));
  try {
    const [status] = (await once(spawn(process.execPath, [script, path], { stdio: "ignore" }), "exit")) as [unknown];
    return status === 0;
  } catch {
    return false;
  }
}

function digest(folder: string, files: readonly string[]): string {
  const hash = createHash("sha256");
  const piece = Buffer.allocUnsafe(2 ** 20);
  for (const name of files) {
    if (!existsSync(join(folder, name))) return "";
    const file = openSync(join(folder, name), "r");
    try {
      for (let read = readSync(file, piece); read > 0; read = readSync(file, piece))
        hash.update(piece.subarray(0, read));
    } finally {
      closeSync(file);
    }
  }
  return hash.digest("hex");
}

function flush(path: string): void {
  const file = openSync(path, "r");
  try {
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
}
