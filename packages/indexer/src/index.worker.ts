import { parentPort } from "node:worker_threads";
import { dropSqliteWarning } from "./drop-sqlite-warning.ts";
import { createIndexHost } from "./index-host.ts";
import { type Port, serve } from "./worker-channel.ts";
dropSqliteWarning(process);
serve(parentPort as unknown as Port, createIndexHost());
