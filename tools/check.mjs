// Everything that must hold beside the tests: format, lint, types, unused code, packages as users get them.
import { spawnSync } from "node:child_process";

/** @type {[string, string[]][]} */
const steps = [
  ["oxfmt", ["--check"]],
  ["oxlint", ["--type-aware", "--deny-warnings"]],
  ["tsc", ["-b"]],
  ["knip", []],
  ["node", ["tools/pack.mjs"]],
];
for (const [command, args] of steps) {
  console.log(`> ${command} ${args.join(" ")}`);
  const { status } = spawnSync(command, args, { stdio: "inherit", shell: process.platform === "win32" });
  if (status !== 0) process.exit(status ?? 1);
}
