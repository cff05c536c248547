import { parentPort, workerData } from "node:worker_threads";
import { hostCallbacks } from "./host-callbacks.ts";
hostCallbacks(parentPort!, workerData);
