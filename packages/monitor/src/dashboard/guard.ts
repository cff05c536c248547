import type { IncomingMessage } from "node:http";

/** Why a request is not served. */
export type Refusal = {
  readonly status: number;
  readonly reason: string;
  readonly headers?: { readonly [name: string]: string };
};

const LONGEST_URL = 2048;

/**
 * Refuses what no page of this server asks: other methods, odd addresses, names that are not this host's (a foreign page may
 * let its own name point here), and calls that come from pages elsewhere.
 */
export function refusalOf(
  { method, url = "", headers }: IncomingMessage,
  hostNames: ReadonlySet<string>,
): Refusal | undefined {
  if (method !== "GET" && method !== "HEAD") {
    return { status: 405, reason: "Only GET is answered.", headers: { Allow: "GET, HEAD" } };
  }
  if (url.length > LONGEST_URL) return { status: 414, reason: "The address is too long." };
  if (!/^\/(?!\/)/.test(url) || !isDecodable(url)) return { status: 400, reason: "The address is malformed." };
  const name = hostNameOf(headers.host);
  if (name === undefined || !hostNames.has(name)) return { status: 403, reason: "This host name is not served." };
  const { origin } = headers;
  if (origin !== undefined && origin !== `http://${headers.host}` && origin !== `https://${headers.host}`) {
    return { status: 403, reason: "Pages of other origins are not served." };
  }
  const site = headers["sec-fetch-site"];
  if (url.startsWith("/api/") && site !== undefined && site !== "same-origin" && site !== "none") {
    return { status: 403, reason: "Pages of other sites are not served." };
  }
  return undefined;
}

/** The host name of a Host header, without its port, in lower case. */
function hostNameOf(host: string | undefined): string | undefined {
  return /^(\[[0-9a-f:.]+\]|[^:@/?#[\]\s]+)(?::\d+)?$/i.exec(host ?? "")?.[1]?.toLowerCase();
}

function isDecodable(url: string): boolean {
  try {
    decodeURIComponent(url);
    return true;
  } catch {
    return false;
  }
}
