// Packs every public package, checks the tarballs, and installs them together in an empty folder from plain JavaScript.
import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const root = mkdtempSync(join(tmpdir(), "pipe-pack-"));
const tarballs = join(root, "tarballs");
mkdirSync(tarballs);

/** @type {(command: string, args: string[], options?: import("node:child_process").SpawnSyncOptions) => void} */
function run(command, args, options = {}) {
  const { status } = spawnSync(command, args, { stdio: "inherit", shell: process.platform === "win32", ...options });
  if (status === 0) return;
  console.error(`failed: ${command} ${args.join(" ")}`);
  process.exit(status ?? 1);
}

const folders = ["packages", "apps"].flatMap((group) => readdirSync(group).map((name) => join(group, name)));
const manifests = folders.map((folder) => JSON.parse(readFileSync(join(folder, "package.json"), "utf8")));
const quiet = { stdio: /** @type {["ignore", "ignore", "inherit"]} */ (["ignore", "ignore", "inherit"]) };
for (const folder of folders) run("pnpm", ["--dir", folder, "pack", "--pack-destination", tarballs], quiet);
const files = readdirSync(tarballs).map((file) => join(tarballs, file));
for (const file of files) {
  run("publint", ["run", "--strict", file]);
  run("attw", ["--profile", "esm-only", "--format", "ascii", "--no-emoji", "--quiet", file]);
}

const user = join(root, "user");
mkdirSync(user);
writeFileSync(join(user, "package.json"), JSON.stringify({ name: "user", private: true, type: "module" }));
const env = { ...process.env, ONNXRUNTIME_NODE_INSTALL: "skip" };
run("npm", ["install", "--no-audit", "--no-fund", "--loglevel=error", "@tensorflow/tfjs@4", ...files], {
  cwd: user,
  env,
});
const entries = manifests.flatMap(({ name, exports }) =>
  Object.keys(exports)
    .filter((path) => path !== "./package.json")
    .map((path) => name + path.slice(1)),
);
const program = `${entries.map((entry, i) => `import * as m${i} from ${JSON.stringify(entry)};`).join("\n")}
const empty = ${JSON.stringify(entries)}.filter((_, i) => Object.keys([${entries.map((_, i) => `m${i}`).join()}][i]).length === 0);
if (empty.length > 0) throw new Error("nothing is exported by " + empty.join(", "));
console.log(${entries.length} + " entry points of the packed packages import from plain JavaScript");
`;
writeFileSync(join(user, "main.js"), program);
run("node", ["main.js"], { cwd: user });
run("npx", ["pipe", "engines"], { cwd: user, env });
// Three steps of the main job: recipe, text, worker, guide and index as a user has them.
const short = ["training.steps=3", "evaluation.batches=1", "evaluation.sample.tokens=5"].flatMap((set) => [
  "--set",
  set,
]);
run("npx", ["pipe", "train", "quick", ...short], { cwd: user, env });
run("npx", ["pipe", "runs", "show", "quick", "--png", "quick.png"], { cwd: user, env });
rmSync(root, { recursive: true });
