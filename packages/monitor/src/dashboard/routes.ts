import type { IncomingMessage, ServerResponse } from "node:http";
import type { SearchHit } from "@pipe/core";
import type { FeedPool } from "./feed-pool.ts";
import { refusalOf } from "./guard.ts";
import type { PageFile } from "./page-files.ts";
import { type DashboardRun, outlineOf } from "./run-outline.ts";
import { streamRun } from "./stream-run.ts";

/** What a dashboard searches for. */
export type DashboardQuery = {
  readonly text: string;
  readonly limit: number;
  /** By words alone, or by meaning too. */
  readonly mode: "lexical" | "hybrid";
};

/** Searches the text of a run by its name. */
export type DashboardSearch = (
  run: string,
  query: DashboardQuery,
  signal: AbortSignal,
) => Promise<readonly SearchHit[]>;

/** What is served. */
export type Served = {
  readonly page: ReadonlyMap<string, PageFile>;
  readonly pool: FeedPool;
  readonly hostNames: ReadonlySet<string>;
  readonly runs: () => Promise<readonly DashboardRun[]>;
  readonly search: DashboardSearch | undefined;
  readonly stallMs: number;
  readonly readers: number;
};

const HEADERS = {
  "Content-Security-Policy":
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src data:; " +
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  "Cache-Control": "no-store",
  "Cross-Origin-Opener-Policy": "same-origin",
  "Cross-Origin-Resource-Policy": "same-origin",
  "Referrer-Policy": "no-referrer",
  "X-Content-Type-Options": "nosniff",
};
const LONGEST_QUERY = 500;
const MOST_HITS = 8;

/** Answers requests for the page, the runs, a run's events, and searches; rejects where a part of it fails. */
export function createRoutes(served: Served): (request: IncomingMessage, response: ServerResponse) => Promise<void> {
  const { page, hostNames, runs } = served;
  const readers = { count: 0 };
  return async (request, response) => {
    for (const [name, value] of Object.entries(HEADERS)) response.setHeader(name, value);
    const refusal = refusalOf(request, hostNames);
    if (refusal !== undefined) return send(response, refusal.status, { error: refusal.reason }, refusal.headers);
    const url = new URL(request.url!, "http://dashboard");
    const file = page.get(url.pathname);
    if (file !== undefined) {
      response.writeHead(200, { "Content-Type": file.type }).end(file.text);
      return;
    }
    if (url.pathname === "/api/runs") return send(response, 200, await Promise.all((await runs()).map(outlineOf)));
    const [, name, part] = /^\/api\/runs\/([^/]+)\/(events|search)$/.exec(url.pathname) ?? [];
    // A name is looked for in the list and never becomes part of a path.
    const run = name === undefined ? undefined : (await runs()).find((each) => each.name === decodeURIComponent(name));
    if (run === undefined) return send(response, 404, { error: "There is nothing here." });
    if (part === "search") return answerSearch(served, run, url, response);
    if (run.damaged !== undefined) return send(response, 409, { error: run.damaged });
    if (request.method === "HEAD") return send(response, 200, {});
    await answerEvents(served, run, request, response, readers);
  };
}

async function answerEvents(
  { pool, readers, stallMs }: Served,
  run: DashboardRun,
  request: IncomingMessage,
  response: ServerResponse,
  reading: { count: number },
): Promise<void> {
  if (reading.count >= readers) return send(response, 503, { error: "Too many pages are open." });
  reading.count++;
  const { feed, [Symbol.dispose]: leave } = pool.open(run.events);
  try {
    await streamRun(response, feed, { lastId: request.headers["last-event-id"]?.toString(), stallMs });
  } finally {
    reading.count--;
    leave();
  }
}

async function answerSearch(
  { search }: Served,
  run: DashboardRun,
  { searchParams }: URL,
  response: ServerResponse,
): Promise<void> {
  if (search === undefined || !run.searchable) return send(response, 404, { error: "This run has no index." });
  const text = searchParams.get("q")?.trim() ?? "";
  const mode = searchParams.get("mode") ?? "lexical";
  if (text === "" || text.length > LONGEST_QUERY || (mode !== "lexical" && mode !== "hybrid")) {
    return send(response, 400, { error: `A search is a text of at most ${LONGEST_QUERY} characters.` });
  }
  const gone = new AbortController();
  response.once("close", () => gone.abort());
  send(response, 200, await search(run.name, { text, mode, limit: MOST_HITS }, gone.signal));
}

/** Sends a value as JSON. */
export function send(
  response: ServerResponse,
  status: number,
  body: unknown,
  headers: { readonly [name: string]: string } = {},
): void {
  response.writeHead(status, { "Content-Type": "application/json; charset=utf-8", ...headers });
  response.end(JSON.stringify(body));
}
