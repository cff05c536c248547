import { realpath, stat } from "node:fs/promises";
import { basename, dirname, join, resolve, sep } from "node:path";
import { PipeError } from "@pipe/core";
import { glob, type GlobOptions, isDynamicPattern } from "tinyglobby";

/** One file of a source. */
export type SourceFile = {
  /** Relative to the source's root, with `/`. */
  readonly path: string;
  readonly absolute: string;
  readonly bytes: number;
};

/**
 * Lists the files that a file path, a folder or a glob stands for, sorted by relative path in code unit order.
 *
 * A folder is walked and filtered by `extensions` (`node_modules` and dot files are left out); a glob gives what it
 * matches, relative to its fixed leading part.
 *
 * @param followFolders whether folders that are links are walked too; default true. Without, a link cannot lead out of the
 *   folder, and what lies inside it comes once, by its own path.
 * @throws PipeError `source-missing` where nothing is there, `source-empty` where no file fits.
 */
export async function listFiles(
  path: string,
  extensions: readonly string[],
  followFolders = true,
): Promise<readonly SourceFile[]> {
  const absolute = resolve(path);
  const info = await stat(absolute).catch(() => undefined);
  if (info?.isFile()) return [{ path: basename(absolute), absolute, bytes: info.size }];
  if (info?.isDirectory()) {
    const patterns = extensions.map((extension) => `**/*${extension}`);
    const options = { ignore: "**/node_modules/**", caseSensitiveMatch: false };
    const files = await walk(absolute, patterns, options, followFolders);
    return found(files, absolute, `*${extensions.join(", *")}`, "name the files by a glob");
  }
  if (!isDynamicPattern(path)) {
    throw new PipeError("source-missing", "The source's path does not exist.", {
      expected: "a file, a folder or a glob",
      got: path,
      where: absolute,
      fix: "correct the path; a relative one starts at the recipe's folder, or at the working folder where no recipe names it",
    });
  }
  const { root, pattern } = splitGlob(path);
  return found(await walk(root, [pattern], {}, followFolders), root, pattern, "correct the glob");
}

/** The folder to which the paths of a source's files are relative: of a file its own, of a glob its fixed leading part. */
export async function sourceRoot(path: string): Promise<string> {
  const absolute = resolve(path);
  const info = await stat(absolute).catch(() => undefined);
  if (info?.isFile()) return dirname(absolute);
  return info === undefined && isDynamicPattern(path) ? splitGlob(path).root : absolute;
}

async function walk(
  root: string,
  patterns: readonly string[],
  options: GlobOptions,
  followFolders: boolean,
): Promise<SourceFile[]> {
  const paths = await glob([...patterns], { ...options, cwd: root, expandDirectories: false });
  const files: SourceFile[] = [];
  for (const path of paths.sort((a, b) => (a < b ? -1 : 1))) {
    const absolute = resolve(root, path);
    if (!followFolders && !(await isOwn(absolute, root, path))) continue;
    // A link to nothing fails when it is read, like any file that cannot be.
    const info = await stat(absolute).catch(() => undefined);
    files.push({ path, absolute, bytes: info?.size ?? 0 });
  }
  return files;
}

/** Whether no folder on the way from the root is a link; one that was removed meanwhile holds nothing. */
async function isOwn(absolute: string, root: string, path: string): Promise<boolean> {
  try {
    return (await realpath(dirname(absolute))) === dirname(join(await realpath(root), path));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return false;
    throw error;
  }
}

function found(files: SourceFile[], root: string, expected: string, fix: string): SourceFile[] {
  if (files.length > 0) return files;
  throw new PipeError("source-empty", "No file of the source fits.", {
    expected,
    got: "no such file",
    where: root,
    fix,
  });
}

/** `docs/**\/*.md` is the pattern `**\/*.md` below the folder `docs`. */
function splitGlob(path: string): { root: string; pattern: string } {
  const parts = path.replaceAll(sep, "/").split("/");
  const fixed = parts.findIndex((part) => isDynamicPattern(part));
  return {
    root: resolve(parts.slice(0, fixed).join("/") || (fixed > 0 ? "/" : ".")),
    pattern: parts.slice(fixed).join("/"),
  };
}
