import { createWriteStream, existsSync } from "node:fs";
import { mkdir, rename, rm, stat } from "node:fs/promises";
import { dirname } from "node:path";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { PipeError } from "@pipe/core";

/** A file to be downloaded. */
export type Download = {
  readonly url: string;
  readonly target: string;
  readonly headers: { readonly [name: string]: string };
};

/** Attempts after the first, each going on where the last broke off. */
const retries = 4;

/**
 * Downloads a file unless it is there: into `<target>.part`, which a broken attempt leaves and the next continues, renamed
 * when it is complete.
 * @throws PipeError `download-failed`.
 */
export async function download({ url, target, headers }: Download): Promise<void> {
  if (existsSync(target)) return;
  await mkdir(dirname(target), { recursive: true });
  const part = `${target}.part`;
  for (let attempt = 0; ; attempt++) {
    try {
      await attemptDownload(url, part, headers);
      break;
    } catch (error) {
      if (PipeError.is(error) || attempt >= retries) throw failed(url, error);
    }
  }
  await rename(part, target);
}

async function attemptDownload(url: string, part: string, headers: Download["headers"]): Promise<void> {
  const have = await stat(part).then(
    ({ size }) => size,
    () => 0,
  );
  const response = await fetch(url, { headers: { ...headers, ...(have > 0 ? { range: `bytes=${have}-` } : {}) } });
  if (response.status === 416) {
    // Nothing is left behind what we have, or it is of another file: begin anew.
    await rm(part);
    throw new Error("the partial file does not fit");
  }
  await checkResponse(response, url);
  const isContinued = response.status === 206;
  const rest = Number(response.headers.get("content-length"));
  await pipeline(Readable.fromWeb(response.body as never), createWriteStream(part, { flags: isContinued ? "a" : "w" }));
  const { size } = await stat(part);
  if (rest > 0 && size !== rest + (isContinued ? have : 0)) throw new Error(`${size} bytes came`);
}

/** The JSON at an address, asked for once. @throws PipeError `download-failed`. */
export async function fetchJson(url: string, headers: Download["headers"]): Promise<unknown> {
  try {
    const response = await fetch(url, { headers });
    await checkResponse(response, url);
    return await response.json();
  } catch (error) {
    throw failed(url, error);
  }
}

/** @throws PipeError `download-failed` where asking again is of no use; Error where it may be. */
async function checkResponse(response: Response, url: string): Promise<void> {
  if (response.ok) return;
  const got = `${response.status} ${(await response.text()).slice(0, 200)}`;
  if (response.status === 429 || response.status >= 500) throw new Error(got);
  throw failed(url, new Error(got));
}

function failed(url: string, cause: unknown): PipeError {
  if (PipeError.is(cause)) return cause;
  const { message, cause: inner } = cause as Error & { cause?: Error };
  return new PipeError("download-failed", "A download failed.", {
    got: inner?.message ?? message,
    where: url,
    fix: "check the name, the connection and, for data behind a login, the token; what came already is kept",
    cause,
  });
}
