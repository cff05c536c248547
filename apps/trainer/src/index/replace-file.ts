import { mkdir, rename, writeFile } from "node:fs/promises";
import { join } from "node:path";

/** Puts a file into an index's folder, whole or not at all, in the place of an older one: others may read it at any time. */
export async function replaceFile(index: string, name: string, data: string | Uint8Array): Promise<void> {
  await mkdir(index, { recursive: true });
  const begun = join(index, `${name}.${process.pid}.new`);
  await writeFile(begun, data, { flush: true });
  await rename(begun, join(index, name));
}
