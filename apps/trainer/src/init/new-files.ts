import { access, mkdir, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { PipeError } from "@pipe/core";

/** Files by their path in a folder; `/` is the separator. */
export type Files = { readonly [path: string]: string };

/** Writes files into a folder, all of them or none. @throws PipeError `file-exists` where one of them is there. */
export async function writeNewFiles(folder: string, files: Files): Promise<void> {
  const paths = Object.keys(files).map((path) => join(folder, path));
  for (const path of paths) {
    if (!(await exists(path))) continue;
    throw new PipeError("file-exists", "A file of this name is there already.", {
      where: path,
      fix: "name another folder, or move the file away",
    });
  }
  for (const [i, text] of Object.values(files).entries()) {
    await mkdir(dirname(paths[i]!), { recursive: true });
    // Should one appear just now, it is kept.
    await writeFile(paths[i]!, text, { flag: "wx" });
  }
}

function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}
