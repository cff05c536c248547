import { parentPort } from "node:worker_threads";
import { type EncodingPort, serveEncoding } from "./encoding-host.ts";
serveEncoding(parentPort as unknown as EncodingPort);
