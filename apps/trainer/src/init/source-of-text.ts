import { createReadStream } from "node:fs";
import { glob, readdir, stat } from "node:fs/promises";
import { extname, join } from "node:path";
import { createInterface } from "node:readline";
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

/** What reads a text: the kind of source, and the field of its records that holds it where that is not `text`. */
export type SourceOfText = { readonly kind: string; readonly field?: string };

/**
 * The source that reads a file, a folder or a pattern, by how file names end: in a folder, what most files are. A name that
 * ends otherwise is taken for plain text. Of JSON lines, the field is the one whose first value is the longest text, unless there
 * is one named `text`.
 * @throws PipeError `usage` where nothing is there.
 */
export async function sourceOfText(path: string): Promise<SourceOfText> {
  const found = await stat(path).catch(() => undefined);
  if (found === undefined && !path.includes("*")) {
    throw usageError(`There is no text at ${path}.`, "name a file, a folder or a pattern");
  }
  const isFolder = found?.isDirectory() === true;
  const names = isFolder ? await readdir(path, { recursive: true }) : [path];
  const counts = new Map<string, number>();
  for (const name of names) {
    const kind = kindOf(name);
    if (kind !== undefined) counts.set(kind, (counts.get(kind) ?? 0) + 1);
  }
  const kind = [...counts].sort(([, a], [, b]) => b - a)[0]?.[0] ?? "text";
  if (kind !== "jsonl") return { kind };
  const first = isFolder
    ? join(
        path,
        names.find((name) => kindOf(name) === kind)!,
      )
    : await firstOf(path);
  const field = first === undefined ? undefined : await fieldOf(first);
  return field === undefined || field === "text" ? { kind } : { kind, field };
}

function kindOf(name: string): string | undefined {
  return kinds[extname(name).toLowerCase()];
}

async function firstOf(pattern: string): Promise<string | undefined> {
  for await (const path of glob(pattern)) return path;
  return undefined;
}

/** The field of a file's first line that is likeliest its text; nothing where that is no record of texts. */
async function fieldOf(path: string): Promise<string | undefined> {
  const lines = createInterface({ input: createReadStream(path) });
  try {
    for await (const line of lines) {
      const record: unknown = JSON.parse(line);
      if (typeof record !== "object" || record === null) return undefined;
      const texts = Object.entries(record).filter(([, value]) => typeof value === "string");
      const longest = texts.sort(([, a], [, b]) => (b as string).length - (a as string).length)[0];
      return texts.some(([name]) => name === "text") ? "text" : longest?.[0];
    }
  } catch {
    // Not JSON: the first training says so, with the line.
  } finally {
    lines.close();
  }
  return undefined;
}
