#!/usr/bin/env node
import { enableCompileCache } from "node:module";
import { run } from "./cli.ts";
import { processHost } from "./process-host.ts";
import { sayWarnings } from "./say-warnings.ts";

// Commands import hundreds of modules, which are compiled once then, not at every start.
enableCompileCache();
const host = processHost();
sayWarnings(process, (line) => host.stderr.write(line));
process.exitCode = await run(process.argv.slice(2), host);
