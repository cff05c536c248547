import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import type { Json, SourceInfo } from "@pipe/core";
import type { SourceFile } from "./source-files.ts";

/**
 * Describes files as a source; the fingerprint is SHA-256 over the reading options and each file's relative path, size
 * and content, read as a stream.
 */
export async function describeFiles(
  kind: string,
  location: string,
  files: readonly SourceFile[],
  options: Json,
): Promise<SourceInfo> {
  const hash = createHash("sha256").update(JSON.stringify([kind, options]));
  let bytes = 0;
  for (const file of files) {
    const content = createHash("sha256");
    let size = 0;
    for await (const chunk of createReadStream(file.absolute, { highWaterMark: 1 << 20 })) {
      content.update(chunk as Buffer);
      size += (chunk as Buffer).length;
    }
    hash.update(`\n${JSON.stringify([file.path, size, content.digest("hex")])}`);
    bytes += size;
  }
  return { kind, location, files: files.length, bytes, fingerprint: hash.digest("hex") };
}
