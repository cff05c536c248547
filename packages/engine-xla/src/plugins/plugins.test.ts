import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { homedir, tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { crc32, deflateRawSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { cacheFolder } from "./cache-folder.ts";
import { findPlugin, pluginFolder, pluginFor } from "./find-plugin.ts";
import { fetchWithPip, installPlugin, installWheel } from "./install-plugin.ts";
import { type XlaPlugin, xlaPlugins } from "./plugin-table.ts";
import { unzip } from "./unzip.ts";

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "pipe-plugins-"));
});
afterAll(() => rm(folder, { recursive: true }));

/** A zip file of entries, every other one stored as it is. */
function zip(entries: { readonly [name: string]: string }): Buffer {
  const locals: Buffer[] = [];
  const central: Buffer[] = [];
  let offset = 0;
  Object.entries(entries).forEach(([name, text], i) => {
    const bytes = Buffer.from(text);
    const packed = i % 2 === 0 ? deflateRawSync(bytes) : bytes;
    const method = i % 2 === 0 ? 8 : 0;
    const local = Buffer.alloc(30);
    local.writeUInt32LE(0x04034b50, 0);
    local.writeUInt16LE(method, 8);
    local.writeUInt16LE(name.length, 26);
    local.writeUInt16LE(2, 28);
    locals.push(local, Buffer.from(name), Buffer.from("xx"), packed);
    const entry = Buffer.alloc(46);
    entry.writeUInt32LE(0x02014b50, 0);
    entry.writeUInt16LE(method, 10);
    entry.writeUInt32LE(crc32(bytes), 16);
    entry.writeUInt32LE(packed.length, 20);
    entry.writeUInt32LE(bytes.length, 24);
    entry.writeUInt16LE(name.length, 28);
    entry.writeUInt32LE(offset, 42);
    central.push(entry, Buffer.from(name));
    offset += 30 + name.length + 2 + packed.length;
  });
  const directory = Buffer.concat(central);
  const end = Buffer.alloc(22 + 7);
  end.writeUInt32LE(0x06054b50, 0);
  end.writeUInt16LE(Object.keys(entries).length, 10);
  end.writeUInt32LE(directory.length, 12);
  end.writeUInt32LE(offset, 16);
  end.write("comment", 22);
  return Buffer.concat([...locals, directory, end]);
}

const wheel = zip({ "lib/": "", "lib/plugin.so": "code ".repeat(100), "lib/notes.txt": "notes" });
const tiny: XlaPlugin = {
  device: "cpu",
  package: "tiny",
  version: "1",
  sha256: createHash("sha256").update(wheel).digest("hex"),
  library: "lib/plugin.so",
  runsOn: `${process.platform}-${process.arch}`,
};
const fetchTiny = (_: XlaPlugin, to: string): Promise<void> => writeFile(join(to, "tiny-1-py3-none-any.whl"), wheel);
const code = (name: string): unknown => expect.objectContaining({ code: name });

describe("the cache folder", () => {
  it("is where the environment says, else where the system has it", () => {
    expect(cacheFolder({ PIPE_CACHE: "/cache" })).toBe("/cache");
    expect(cacheFolder().startsWith(homedir())).toBe(true);
    expect(cacheFolder({}, "linux")).toBe(join(homedir(), ".cache", "pipe"));
    expect(cacheFolder({ XDG_CACHE_HOME: "/x" }, "linux")).toBe(join("/x", "pipe"));
    expect(cacheFolder({}, "darwin")).toBe(join(homedir(), "Library", "Caches", "pipe"));
    expect(cacheFolder({}, "win32")).toBe(join(homedir(), "AppData", "Local", "pipe"));
    expect(cacheFolder({ LOCALAPPDATA: "/l" }, "win32")).toBe(join("/l", "pipe"));
  });
});

describe("finding a plug-in", () => {
  it("takes names of devices from the cache and anything else as a path", async () => {
    const cache = join(folder, "found");
    expect(findPlugin("xla-cpu", cache)).toBeUndefined();
    expect(() => pluginFor("cpu", cache)).toThrow(
      expect.objectContaining({ code: "xla-plugin-missing", fix: "pipe engines install xla-cpu" }),
    );
    const path = join(pluginFolder("xla-cpu", cache), xlaPlugins["xla-cpu"]!.library);
    await mkdir(dirname(path), { recursive: true });
    await writeFile(path, "");
    expect(pluginFor("cpu", cache)).toBe(path);
    expect(pluginFor("/my/plugin.so", cache)).toBe("/my/plugin.so");
    expect(await installPlugin("xla-cpu", { cacheFolder: cache })).toBe(path);
  });

  it("knows no others", () => {
    expect(() => findPlugin("xla-abacus")).toThrow(code("xla-plugin-unknown"));
    expect(() => findPlugin("toString")).toThrow(code("xla-plugin-unknown"));
  });
});

describe("installing a plug-in", () => {
  it("unpacks a wheel whose hash is known, and leaves nothing else behind", async () => {
    const target = join(folder, "cache", "tiny-1");
    await installWheel(tiny, target, fetchTiny);
    expect(await readFile(join(target, "lib/plugin.so"), "utf8")).toBe("code ".repeat(100));
    expect(await readFile(join(target, "lib/notes.txt"), "utf8")).toBe("notes");
    if (process.platform !== "win32") expect((await stat(join(target, "lib/plugin.so"))).mode & 0o111).toBe(0o111);
    expect(await readdir(dirname(target))).toEqual(["tiny-1"]);
    // As another process may have done in the meantime.
    await installWheel(tiny, target, fetchTiny);
    expect(await readdir(dirname(target))).toEqual(["tiny-1"]);
  });

  it("refuses a wheel with another hash before it unpacks anything", async () => {
    const target = join(folder, "damaged", "tiny-1");
    await expect(installWheel({ ...tiny, sha256: "0".repeat(64) }, target, fetchTiny)).rejects.toThrow(
      code("wheel-damaged"),
    );
    expect(await readdir(dirname(target))).toEqual([]);
    await expect(installWheel(tiny, target, async () => undefined)).rejects.toThrow(code("wheel-missing"));
  });

  it("does not overwrite a folder that is something else", async () => {
    const target = join(folder, "other", "tiny-1");
    await mkdir(target, { recursive: true });
    await writeFile(join(target, "mine.txt"), "mine");
    await expect(installWheel(tiny, target, fetchTiny)).rejects.toThrow(/ENOTEMPTY|EEXIST|EPERM/);
    expect(existsSync(join(target, "mine.txt"))).toBe(true);
  });

  it("says what machines there is a build for", async () => {
    const cache = join(folder, "elsewhere");
    const elsewhere = { ...tiny, runsOn: "abacus-wood" };
    await expect(
      installPlugin("tiny", { cacheFolder: cache, fetch: fetchTiny, plugins: { tiny: elsewhere } }),
    ).rejects.toThrow(code("xla-plugin-unavailable"));
    const path = await installPlugin("tiny", { cacheFolder: cache, fetch: fetchTiny, plugins: { tiny } });
    expect(path).toBe(join(cache, "engines", "tiny-1", "lib/plugin.so"));
  });

  it("tries every way to call pip, and passes on what pip says", async () => {
    await expect(fetchWithPip(tiny, folder, [["no-such-command-1"], ["no-such-command-2"]])).rejects.toThrow(
      code("pip-missing"),
    );
    const failing = [process.execPath, "-e", "console.error('no matching distribution'); process.exit(1)", "--"];
    await expect(fetchWithPip(tiny, folder, [failing])).rejects.toThrow(/no matching distribution/);
    const without = [process.execPath, "-e", "console.error('No module named pip'); process.exit(1)", "--"];
    await expect(fetchWithPip(tiny, folder, [without])).rejects.toThrow(code("pip-missing"));
    const script =
      "require('fs').writeFileSync(require('path').join(process.argv.at(-2), 'asked'), process.argv.at(-1))";
    await fetchWithPip(tiny, folder, [["no-such-command-1"], [process.execPath, "-e", script, "--"]]);
    expect(await readFile(join(folder, "asked"), "utf8")).toBe("tiny==1");
  });
});

describe("unzip", () => {
  const unpack = async (bytes: Buffer): Promise<void> => {
    const path = join(folder, "bad.zip");
    await writeFile(path, bytes);
    await unzip(path, join(folder, "bad"));
  };

  it("refuses what is no zip file, and names that lead out of the folder", async () => {
    await expect(unpack(Buffer.from("not a zip file, though longer than an end record"))).rejects.toThrow(
      code("zip-invalid"),
    );
    await expect(unpack(zip({ "../up.txt": "" }))).rejects.toThrow(code("zip-invalid"));
    await expect(unpack(zip({ "/root.txt": "" }))).rejects.toThrow(code("zip-invalid"));
  });

  it("refuses a broken directory and unknown compression", async () => {
    const broken = zip({ a: "a" });
    broken.writeUInt32LE(1, broken.length - 29 + 16);
    await expect(unpack(broken)).rejects.toThrow(code("zip-invalid"));
    const unknown = zip({ a: "a" });
    unknown.writeUInt16LE(12, unknown.indexOf(Buffer.from([0x50, 0x4b, 1, 2])) + 10);
    await expect(unpack(unknown)).rejects.toThrow(code("zip-invalid"));
  });
});
