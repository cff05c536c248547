import { type MessagePort, parentPort } from "node:worker_threads";
import { SessionHost } from "../session-host.ts";
parentPort!.on("message", (port: MessagePort) => void SessionHost.serve(port));
