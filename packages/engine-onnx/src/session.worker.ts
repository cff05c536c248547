import { parentPort } from "node:worker_threads";
import { SessionHost } from "./session-host.ts";
SessionHost.serve(parentPort!);
