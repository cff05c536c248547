import { createHash } from "node:crypto";
import { createReadStream, createWriteStream, existsSync } from "node:fs";
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
  /** What the whole file must be, where that is known. */
  readonly expected?: { readonly size: number; readonly sha256?: string };
  /** Is told how many bytes of the file are there. */
  readonly onProgress?: (bytes: number) => void;
};

/** Attempts after the first, each going on where the last broke off. */
const retries = 4;

/**
 * Downloads a file unless it is there: into `<target>.part`, which a broken attempt leaves and the next continues, renamed
 * when it is complete.
 * @throws PipeError `download-failed`.
 */
export async function download(file: Download): Promise<void> {
  const { url, target } = file;
  if (existsSync(target)) return;
  await mkdir(dirname(target), { recursive: true });
  const part = `${target}.part`;
  for (let attempt = 0; ; attempt++) {
    try {
      await attemptDownload(file, part);
      await checkFile(file, part);
      break;
    } catch (error) {
      if (PipeError.is(error) || attempt >= retries) throw failed(url, error);
    }
  }
  await rename(part, target);
}

async function attemptDownload({ url, headers, onProgress }: Download, part: string): Promise<void> {
  const have = await sizeOf(part);
  // What comes packed would neither be as long as it says nor go on at a byte.
  const whole = { ...headers, "accept-encoding": "identity" };
  const response = await fetch(url, { headers: { ...whole, ...(have > 0 ? { range: `bytes=${have}-` } : {}) } });
  if (response.status === 416) {
    // Nothing is left behind what we have, or it is of another file: begin anew.
    await rm(part);
    throw new Error("the partial file does not fit");
  }
  await checkResponse(response, url);
  const isContinued = response.status === 206;
  const rest = Number(response.headers.get("content-length"));
  let bytes = isContinued ? have : 0;
  const told = async function* (body: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
    for await (const piece of body) {
      yield piece;
      onProgress?.((bytes += piece.length));
    }
  };
  const out = createWriteStream(part, { flags: isContinued ? "a" : "w" });
  await pipeline(Readable.fromWeb(response.body as never), told, out);
  const size = await sizeOf(part);
  if (rest > 0 && size !== rest + (isContinued ? have : 0)) throw new Error(`${size} bytes came`);
}

async function checkFile({ expected }: Download, part: string): Promise<void> {
  if (expected === undefined) return;
  const { size, sha256 } = expected;
  if ((await sizeOf(part)) === size && (sha256 === undefined || (await sha256Of(part)) === sha256)) return;
  await rm(part);
  throw new Error(`other bytes came than the ${size} that are listed`);
}

async function sizeOf(path: string): Promise<number> {
  return stat(path).then(
    ({ size }) => size,
    () => 0,
  );
}

async function sha256Of(path: string): Promise<string> {
  const hash = createHash("sha256");
  for await (const piece of createReadStream(path, { highWaterMark: 2 ** 20 })) hash.update(piece as Buffer);
  return hash.digest("hex");
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
