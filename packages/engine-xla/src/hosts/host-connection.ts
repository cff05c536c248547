import type { MessagePort } from "node:worker_threads";
import { PipeError } from "@pipe/core";
import { type BlockingChannel, serveChannel } from "./blocking-store.ts";
import { connectStore } from "./store-client.ts";
import { type StoreAddress, startStore } from "./store-server.ts";

/** What the thread of a node's connection is started with. */
export type ConnectionThread = {
  readonly address: StoreAddress;
  readonly node: number;
  readonly timeoutMs: number;
  readonly channels: readonly BlockingChannel[];
};

/** What it says once it is connected, or cannot be. */
export type ConnectionNews =
  | { readonly connected: true }
  | { readonly connected: false; readonly code: string; readonly message: string; readonly fix?: string };

/** Connects a node with the store, which is here on node 0, and answers for threads that block until it is told to end. */
export async function hostConnection(
  parent: Pick<MessagePort, "on" | "postMessage" | "close">,
  { address, node, timeoutMs, channels }: ConnectionThread,
): Promise<void> {
  // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a port of worker_threads has none
  const say = (news: ConnectionNews): void => parent.postMessage(news);
  try {
    const store = node === 0 ? await startStore(address) : undefined;
    const client = await connectStore(address, node, timeoutMs);
    for (const channel of channels) serveChannel(channel, client);
    parent.on("message", () => {
      client.close();
      for (const { port } of channels) port.close();
      store?.close();
      parent.close();
    });
    say({ connected: true });
  } catch (error) {
    if (!PipeError.is(error)) {
      const problem = error as Error;
      say({
        connected: false,
        code: "store-failed",
        message: `The store of node 0 cannot listen.\n  got: ${problem.message}`,
      });
      return;
    }
    const { code, message, fix } = error;
    say({ connected: false, code, message, ...(fix === undefined ? {} : { fix }) });
  }
}
