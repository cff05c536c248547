import { parentPort, workerData } from "node:worker_threads";
import { hostConnection } from "./host-connection.ts";
await hostConnection(parentPort!, workerData);
