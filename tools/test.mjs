// Runs every test with coverage, then says in one line how many passed; the thresholds stand in vitest.config.ts.
import { spawnSync } from "node:child_process";
import { globSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const folder = mkdtempSync(join(tmpdir(), "pipe-test-"));
const report = join(folder, "report.json");
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
  { stdio: "inherit", shell: process.platform === "win32" },
);
const { numPassedTests, numFailedTests } = JSON.parse(readFileSync(report, "utf8"));
rmSync(folder, { recursive: true });
if (process.env["PIPE_SERVICES"] !== "1") {
  const services = globSync("{packages,apps,tests}/**/src/**/*.service.test.ts");
  if (services.length > 0) console.log(`not run here: ${services.length} files (need services; see .ci/run)`);
}
console.log(`${numPassedTests} passed, ${numFailedTests} failed`);
process.exitCode = status ?? 1;
