import { parentPort } from "node:worker_threads";
import { createIndexHost } from "./index-host.ts";
import { type Port, serve } from "./worker-channel.ts";
serve(parentPort as unknown as Port, createIndexHost());
