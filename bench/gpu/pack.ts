// Packs what a bare machine with a GPU needs: node --conditions=@pipe/source bench/gpu/pack.ts [archive]
import { spawnSync } from "node:child_process";
import { chmodSync, cpSync, mkdirSync, mkdtempSync, realpathSync, rmSync, statSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { build } from "esbuild";
import { Random } from "@pipe/core";

/** Tokens of the data: enough for 150 steps of 8 rows of 1,024. */
const TOKENS = 1_300_000;
const LIMIT = 64 * 2 ** 20;
const here = import.meta.dirname;

/** Writes what run.sh needs into a folder: Node, our code as two files, koffi, the Python script, tokens. */
export async function packInto(folder: string): Promise<void> {
  mkdirSync(folder, { recursive: true });
  await build({
    entryPoints: [join(here, "ours.ts"), join(here, "report.ts")],
    outdir: folder,
    outExtension: { ".js": ".mjs" },
    bundle: true,
    minify: true,
    format: "esm",
    platform: "node",
    conditions: ["@pipe/source"],
    external: ["koffi"],
    // What is CommonJS inside asks for Node's own modules this way.
    banner: { js: 'import { createRequire } from "node:module"; const require = createRequire(import.meta.url);' },
    logLevel: "error",
  });
  cpSync(process.execPath, join(folder, "node"), { dereference: true });
  spawnSync("strip", [join(folder, "node")]);
  chmodSync(join(folder, "node"), 0o755);
  // koffi is a dependency of the engine, its native file one of koffi.
  const engine = createRequire(realpathSync(join(here, "../node_modules/@pipe/engine-xla/package.json")));
  const koffi = dirname(engine.resolve("koffi"));
  const native = `@koromix/koffi-${process.platform}-${process.arch}`;
  const nativeFolder = dirname(createRequire(join(koffi, "index.cjs")).resolve(native));
  for (const [name, from] of [
    ["koffi", koffi],
    [native, nativeFolder],
  ] as const) {
    cpSync(from, join(folder, "node_modules", name), {
      recursive: true,
      dereference: true,
      filter: (path) => !/\/(doc|vendor|node_modules)$/.test(path.slice(from.length)),
    });
  }
  for (const file of ["run.sh", "step_pytorch.py"]) cpSync(join(here, file), join(folder, file));
  cpSync(join(here, "../train/reference_pytorch.py"), join(folder, "reference_pytorch.py"));
  writeFileSync(join(folder, "train.bin"), tokens());
}

/** Random text: ids as frequent as words are (Zipf), each second one the same after the one before it, so that it can be learned. */
function tokens(): Uint16Array {
  const random = new Random(1);
  const ids = new Uint16Array(TOKENS);
  for (let i = 0; i < TOKENS; i++) {
    const zipf = Math.floor(Math.exp(random.uniform() * Math.log(50_000)));
    ids[i] = i % 2 === 0 ? zipf : (ids[i - 1]! * 31 + 7) % 50_000;
  }
  return ids;
}

/** Packs a folder into an archive that a bare machine unpacks with tar. @throws Error where it is larger than 64 MiB. */
export async function pack(archive: string): Promise<number> {
  const folder = mkdtempSync(join(tmpdir(), "pipe-gpu-"));
  try {
    await packInto(folder);
    const { status, stderr } = spawnSync("tar", ["-C", folder, "-cJf", archive, "."], {
      encoding: "utf8",
      env: { ...process.env, XZ_OPT: "-T0 -6" },
    });
    if (status !== 0) throw new Error(`tar failed: ${stderr}`);
    const { size } = statSync(archive);
    if (size > LIMIT) throw new Error(`${archive} has ${size} bytes, more than ${LIMIT}.`);
    return size;
  } finally {
    rmSync(folder, { recursive: true });
  }
}

if (import.meta.main) {
  const archive = resolve(process.argv[2] ?? "pipe-gpu.tar.xz");
  const size = await pack(archive);
  console.log(`${archive}: ${(size / 2 ** 20).toFixed(1)} MiB`);
  console.log("there: mkdir gpu && tar -C gpu -xJf pipe-gpu.tar.xz && gpu/run.sh --device cuda --size 124m --rows 8");
}
