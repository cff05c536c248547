import { once } from "node:events";
import { MessageChannel, Worker } from "node:worker_threads";
import { PipeError, workerEntry } from "@pipe/core";
import type { CallbackThread } from "./host-callbacks.ts";
import type { ConnectionNews, ConnectionThread } from "./host-connection.ts";
import type { CallbackName } from "./key-value-callbacks.ts";
import type { StoreAddress } from "./store-server.ts";

/** The callbacks of a client that spans several hosts. */
export type KeyValueHost = {
  /** Addresses of C functions. */
  readonly callbacks: { readonly [name in CallbackName]: bigint };
  /** Leaves the other nodes; nothing may call the callbacks any more. */
  close(): Promise<void>;
};

/** Node 0 may start this much later than the others, in milliseconds. */
const JOIN_TIMEOUT = 120_000;

/**
 * Joins the nodes of a run and makes the callbacks by which their clients find each other. A `get` may block until another
 * callback of the same process has put what it waits for, so that both have threads of their own, and a third holds the
 * connection: the plug-in may call while this thread waits for the plug-in.
 *
 * @throws PipeError `store-missing`, `store-refused`, `store-failed`.
 */
export async function joinNodes(address: StoreAddress, node: number, timeoutMs = JOIN_TIMEOUT): Promise<KeyValueHost> {
  const groups: readonly (readonly CallbackName[])[] = [["get"], ["put", "tryGet"]];
  const channels = groups.map(() => {
    const { port1, port2 } = new MessageChannel();
    const flag = new SharedArrayBuffer(4);
    return { asking: { port: port1, flag }, answering: { port: port2, flag } };
  });
  const connection = start("connection", {
    address,
    node,
    timeoutMs,
    channels: channels.map(({ answering }) => answering),
  });
  const [news] = (await once(connection, "message")) as [ConnectionNews];
  if (!news.connected) {
    await connection.terminate();
    for (const { asking } of channels) asking.port.close();
    const { code, message, fix } = news;
    throw new PipeError(
      code,
      fix === undefined ? message : message.replace(`\n  fix: ${fix}`, ""),
      fix === undefined ? {} : { fix },
    );
  }
  const workers = groups.map((names, i) => start("callback", { names, channel: channels[i]!.asking }));
  const threads = [...workers, connection];
  const addresses = await Promise.all(workers.map(async (worker) => (await once(worker, "message"))[0] as object));
  // Once the nodes have met, these threads keep no process alive that has nothing else to do.
  for (const thread of threads) thread.unref();
  return {
    callbacks: Object.assign({}, ...addresses) as KeyValueHost["callbacks"],
    close: async () => {
      for (const thread of threads) {
        thread.ref();
        const ended = once(thread, "exit");
        // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a port of worker_threads has none
        thread.postMessage("end");
        await ended;
      }
    },
  };
}

function start(name: "connection" | "callback", data: CallbackThread | ConnectionThread): Worker {
  const ports = "channel" in data ? [data.channel.port] : data.channels.map(({ port }) => port);
  const { url, options } = workerEntry(import.meta.url, name);
  return new Worker(url, { workerData: data, transferList: ports, ...options });
}
