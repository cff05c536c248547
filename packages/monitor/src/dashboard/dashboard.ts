import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { messageOf, PipeError } from "@pipe/core";
import { FeedPool } from "./feed-pool.ts";
import { readPage } from "./page-files.ts";
import { createRoutes, type DashboardSearch, send } from "./routes.ts";
import type { DashboardRun } from "./run-outline.ts";

/** What a dashboard shows, and where it listens. */
export type DashboardOptions = {
  /** Lists the runs; it is asked again and again. */
  readonly runs: () => Promise<readonly DashboardRun[]>;
  /** Searches the text of a run; without it no run can be searched. */
  readonly search?: DashboardSearch;
  /** Default `127.0.0.1`, which only this machine reaches. Whoever reaches the server sees the runs. */
  readonly host?: string;
  /** Default 0: any that is free. */
  readonly port?: number;
  /** Names under which a browser may reach it, beside `localhost`, `127.0.0.1`, `[::1]` and `host`. */
  readonly hostNames?: readonly string[];
  /** How often a log is looked at, in ms; default 250. */
  readonly pollMs?: number;
  /** After how many ms a reader that takes nothing is cut off; default 30,000. */
  readonly stallMs?: number;
  /** Readers of runs at a time; default 200. */
  readonly readers?: number;
};

/** A running dashboard; disposing of it ends all connections. */
export interface Dashboard extends AsyncDisposable {
  readonly url: string;
}

/**
 * Serves a page that shows runs as they happen, and those that have ended.
 *
 * It reads the logs that runs write and has no part in the runs, so it cannot slow them down. The page loads nothing from
 * elsewhere.
 * @throws PipeError `dashboard-port` where it cannot listen.
 */
export async function createDashboard(options: DashboardOptions): Promise<Dashboard> {
  const { host = "127.0.0.1", port = 0, pollMs = 250, stallMs = 30_000, readers = 200 } = options;
  const page = await readPage();
  const pool = new FeedPool({ pollMs, lingerMs: 30_000 });
  const names = [
    "localhost",
    "127.0.0.1",
    "[::1]",
    host.includes(":") ? `[${host}]` : host,
    ...(options.hostNames ?? []),
  ];
  const hostNames = new Set(names.map((name) => name.toLowerCase()));
  const { runs, search } = options;
  const answer = createRoutes({ page, pool, hostNames, runs, search, stallMs, readers });
  const server = createServer((request, response) => {
    answer(request, response).catch((error: unknown) => {
      if (response.headersSent) response.destroy();
      else send(response, 500, { error: messageOf(error) });
    });
  });
  server.headersTimeout = 10_000;
  server.maxConnections = readers + 100;
  server.on("clientError", (_error, socket) => {
    if (socket.writable) socket.end("HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n");
    else socket.destroy();
  });
  try {
    server.listen(port, host);
    await once(server, "listening");
  } catch (cause) {
    throw new PipeError("dashboard-port", "The dashboard cannot listen there.", {
      got: messageOf(cause),
      where: `${host}, port ${port}`,
      fix: "choose another port, or 0 for any that is free",
      cause,
    });
  }
  const address = server.address() as AddressInfo;
  return {
    url: `http://${host.includes(":") ? `[${host}]` : host}:${address.port}/`,
    [Symbol.asyncDispose]: async () => {
      const closed = once(server, "close");
      server.close();
      server.closeAllConnections();
      await Promise.all([closed, pool[Symbol.asyncDispose]()]);
    },
  };
}
