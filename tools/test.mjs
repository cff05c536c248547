// Runs every test with coverage, then says in one line how many passed; the thresholds stand in vitest.config.ts.
// Tests that need a service run where it is (tools/services.mjs). With PIPE_SERVICES=1 a missing one is a failure.
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { foundServices, serviceOf, unmeasured } from "./services.mjs";

const folder = mkdtempSync(join(tmpdir(), "pipe-test-"));
const report = join(folder, "report.json");
// Hundreds of threads start from TypeScript, and Node strips the types of each of their files anew unless it keeps what it made: that
// takes half of a thread's start.
const env = { ...process.env, NODE_COMPILE_CACHE: join(folder, "compiled") };
const { status } = spawnSync(
  "vitest",
  [
    "run",
    "--coverage",
    "--reporter=default",
    "--reporter=json",
    `--outputFile.json=${report}`,
    ...process.argv.slice(2),
  ],
  { stdio: "inherit", shell: process.platform === "win32", env },
);
const { numPassedTests, numFailedTests, testResults } = JSON.parse(readFileSync(report, "utf8"));
rmSync(folder, { recursive: true });

/** @type {Map<string, number>} */
const missing = new Map();
const found = foundServices();
for (const { name: file, assertionResults } of testResults) {
  if (!file.endsWith(".service.test.ts")) continue;
  const { name, variable } = serviceOf(file);
  if (found[variable] === undefined) missing.set(name, (missing.get(name) ?? 0) + assertionResults.length);
}
for (const [name, count] of missing) console.log(`not run here: ${count} (needs ${name})`);
for (const [each, name] of unmeasured()) console.log(`coverage of ${each} is not held to 90 % here (needs ${name})`);
console.log(`${numPassedTests} passed, ${numFailedTests} failed`);
const allHere = process.env["PIPE_SERVICES"] !== "1" || missing.size === 0;
if (!allHere) console.error("with PIPE_SERVICES=1 every service must be here: node tools/services.mjs install");
process.exitCode = allHere ? (status ?? 1) : 1;
