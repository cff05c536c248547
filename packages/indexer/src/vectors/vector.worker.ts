import { parentPort } from "node:worker_threads";
import { type Port, serve } from "../worker-channel.ts";
import { createVectorHost } from "./vector-host.ts";
serve(parentPort as unknown as Port, createVectorHost());
