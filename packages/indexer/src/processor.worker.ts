import { parentPort } from "node:worker_threads";
import { createProcessorHost } from "./processor-host.ts";
import { type Port, serve } from "./worker-channel.ts";
serve(parentPort as unknown as Port, createProcessorHost());
