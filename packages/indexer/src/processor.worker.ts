import { parentPort } from "node:worker_threads";
import { serveProcessor } from "./processor-host.ts";
serveProcessor(parentPort!);
