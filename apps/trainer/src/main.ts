#!/usr/bin/env node
import { run } from "./cli.ts";
import { processHost } from "./process-host.ts";
import { sayWarnings } from "./say-warnings.ts";

const host = processHost();
sayWarnings(process, (line) => host.stderr.write(line));
process.exitCode = await run(process.argv.slice(2), host);
