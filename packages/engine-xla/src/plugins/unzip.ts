import { chmod, mkdir, readFile, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import { inflateRaw } from "node:zlib";
import { PipeError } from "@pipe/core";

const END = 0x06054b50;
const ENTRY = 0x02014b50;
const DEFLATED = 8;

/** Unpacks a zip file of less than 4 GiB into a folder; libraries get their run bit. @throws PipeError `zip-invalid`. */
export async function unzip(path: string, folder: string): Promise<void> {
  const file = await readFile(path);
  for (const { name, method, offset, packed } of entriesOf(file, path)) {
    if (name.endsWith("/")) continue;
    if (name.startsWith("/") || name.split(/[\\/]/).includes("..")) throw invalid(path, `an entry named ${name}`);
    // The local header repeats the name and may have other extras.
    const begin = offset + 30 + file.readUInt16LE(offset + 26) + file.readUInt16LE(offset + 28);
    const bytes = file.subarray(begin, begin + packed);
    const target = join(folder, name);
    await mkdir(dirname(target), { recursive: true });
    await writeFile(target, method === DEFLATED ? await promisify(inflateRaw)(bytes) : bytes);
    if (/\.(so|dylib|dll)$/.test(name)) await chmod(target, 0o755);
  }
}

type Entry = { readonly name: string; readonly method: number; readonly offset: number; readonly packed: number };

function entriesOf(file: Buffer, path: string): readonly Entry[] {
  // The end record stands behind everything else but a comment of at most 65,535 bytes.
  let end = file.length - 22;
  while (end >= 0 && file.readUInt32LE(end) !== END) end--;
  if (end < 0) throw invalid(path, "no end record");
  const entries: Entry[] = [];
  let at = file.readUInt32LE(end + 16);
  for (let count = file.readUInt16LE(end + 10); count > 0; count--) {
    if (file.readUInt32LE(at) !== ENTRY) throw invalid(path, "a broken directory");
    const lengths = [28, 30, 32].map((field) => file.readUInt16LE(at + field));
    const name = file.toString("utf8", at + 46, at + 46 + lengths[0]!);
    const method = file.readUInt16LE(at + 10);
    if (method !== 0 && method !== DEFLATED) throw invalid(path, `compression method ${method} of ${name}`);
    entries.push({ name, method, offset: file.readUInt32LE(at + 42), packed: file.readUInt32LE(at + 20) });
    at += 46 + lengths.reduce((sum, length) => sum + length, 0);
  }
  return entries;
}

function invalid(path: string, got: string): PipeError {
  return new PipeError("zip-invalid", "A zip file cannot be unpacked.", { got, where: path });
}
