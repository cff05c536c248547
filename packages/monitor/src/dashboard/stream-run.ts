import type { ServerResponse } from "node:http";
import type { RunFeed } from "./run-feed.ts";

/** Comments that keep proxies from ending a silent connection. */
const HEARTBEAT_MS = 15_000;

/**
 * Sends a run as server-sent events, from a last id on or from the whole state, until either side ends.
 *
 * The next message is made when the connection has taken the one before, so no more than one waits for a slow reader; one
 * that takes nothing for `stallMs` is cut off, and comes back with its last id where it is alive.
 */
export async function streamRun(
  response: ServerResponse,
  feed: RunFeed,
  { lastId, stallMs }: { readonly lastId: string | undefined; readonly stallMs: number },
): Promise<void> {
  response.writeHead(200, { "Content-Type": "text/event-stream; charset=utf-8", "X-Accel-Buffering": "no" });
  response.write("retry: 1000\n\n");
  const heartbeat = setInterval(() => {
    if (!response.writableNeedDrain) response.write(":\n\n");
  }, HEARTBEAT_MS);
  const closed = new Promise<void>((resolve) => response.once("close", resolve));
  let id = lastId;
  let told: string | undefined;
  try {
    while (!response.destroyed && !response.writableEnded) {
      const changed = feed.changed();
      if (feed.problem !== told) {
        told = feed.problem;
        response.write(`event: problem\ndata: ${JSON.stringify(told ?? null)}\n\n`);
      }
      const message = feed.after(id);
      if (message === undefined) {
        await Promise.race([changed, closed]);
        continue;
      }
      id = message.id;
      if (!response.write(`id: ${id}\nevent: ${message.event}\ndata: ${message.data}\n\n`)) {
        await drained(response, closed, stallMs);
      }
    }
  } finally {
    clearInterval(heartbeat);
  }
}

async function drained(response: ServerResponse, closed: Promise<void>, stallMs: number): Promise<void> {
  const stalled = setTimeout(() => response.destroy(), stallMs);
  await Promise.race([new Promise((resolve) => response.once("drain", resolve)), closed]);
  clearTimeout(stalled);
}
