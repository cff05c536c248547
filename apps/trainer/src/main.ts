#!/usr/bin/env node
import { run } from "./cli.ts";
import { processHost } from "./process-host.ts";

process.exitCode = await run(process.argv.slice(2), processHost());
