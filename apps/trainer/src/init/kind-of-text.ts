import { readdir, stat } from "node:fs/promises";
import { extname } from "node:path";
import { usageError } from "../usage.ts";

/** Kinds of sources by the ending of their files. */
const kinds: { readonly [extension: string]: string } = {
  ".txt": "text",
  ".text": "text",
  ".md": "markdown",
  ".markdown": "markdown",
  ".mdx": "markdown",
  ".jsonl": "jsonl",
  ".parquet": "parquet",
};

/**
 * The kind of source that reads a file, a folder or a pattern, by how file names end: in a folder, what most files are.
 * A name that ends otherwise is taken for plain text.
 * @throws PipeError `usage` where nothing is there.
 */
export async function kindOfText(path: string): Promise<string> {
  const found = await stat(path).catch(() => undefined);
  if (found === undefined && !path.includes("*")) {
    throw usageError(`There is no text at ${path}.`, "name a file, a folder or a pattern");
  }
  const names = found?.isDirectory() === true ? await readdir(path, { recursive: true }) : [path];
  const counts = new Map<string, number>();
  for (const name of names) {
    const kind = kinds[extname(name).toLowerCase()];
    if (kind !== undefined) counts.set(kind, (counts.get(kind) ?? 0) + 1);
  }
  return [...counts].sort(([, a], [, b]) => b - a)[0]?.[0] ?? "text";
}
