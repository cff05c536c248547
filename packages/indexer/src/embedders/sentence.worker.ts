import { parentPort } from "node:worker_threads";
import { type Port, serve } from "../worker-channel.ts";
import { createSentenceHost } from "./sentence-host.ts";
serve(parentPort as unknown as Port, createSentenceHost());
