import type { MessagePort } from "node:worker_threads";
import { askBlocking, type BlockingChannel } from "./blocking-store.ts";
import { type CallbackName, registerCallback, unregisterCallback } from "./key-value-callbacks.ts";

/** What a thread for callbacks is started with. */
export type CallbackThread = { readonly names: readonly CallbackName[]; readonly channel: BlockingChannel };

/** Registers callbacks on this thread, tells their addresses, and serves them until it is told to end. */
export function hostCallbacks(parent: Pick<MessagePort, "on" | "postMessage" | "close">, thread: CallbackThread): void {
  const addresses = thread.names.map(
    (name) => [name, registerCallback(name, (request) => askBlocking(thread.channel, request))] as const,
  );
  parent.on("message", () => {
    for (const [, address] of addresses) unregisterCallback(address);
    thread.channel.port.close();
    parent.close();
  });
  // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a port of worker_threads has none
  parent.postMessage(Object.fromEntries(addresses));
}
