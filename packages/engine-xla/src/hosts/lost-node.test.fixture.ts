import { once } from "node:events";
import { fork } from "node:child_process";
import { fileURLToPath } from "node:url";
import type { StoreAddress } from "./store-server.ts";

/** Lets a node of a process of its own join, and kills that process. */
export async function lost(address: StoreAddress, node: number): Promise<void> {
  const child = fork(fileURLToPath(new URL("./lost-node.process.test.fixture.ts", import.meta.url)), {
    execArgv: ["--conditions=@pipe/source"],
  });
  child.send({ address, node });
  await once(child, "message");
  child.kill("SIGKILL");
  await once(child, "exit");
}
