import { parentPort } from "node:worker_threads";
import { type Port, serve } from "../worker-channel.ts";
import { createCrossEncoderHost } from "./cross-encoder-host.ts";
serve(parentPort as unknown as Port, createCrossEncoderHost());
