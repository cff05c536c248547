import type { IEmbedder } from "@pipe/core";
import { PipeError } from "@pipe/core";
import { normalised } from "./normalised.ts";

/** Where vectors come from. */
export type HttpEmbedderOptions = {
  /** The endpoint, such as `http://localhost:11434/v1/embeddings`; it speaks OpenAI's embeddings API. */
  readonly url: string;
  readonly model: string;
  /** Elements of a vector; asked of the endpoint too where `shorten` is set. */
  readonly dimensions: number;
  /** Send `dimensions`, for models that can shorten their vectors; default false. */
  readonly shorten?: boolean;
  /** Sent as a bearer token. */
  readonly key?: string;
  /** Texts in one request; default 64. */
  readonly batch?: number;
  /**
   * Attempts after the first where the endpoint is busy or down; default 5, with waits that double from `patience`. When they
   * were in vain, each further request has one attempt until the endpoint answers again: who asks for many texts would wait for hours.
   */
  readonly retries?: number;
  /** First wait in milliseconds; default 500. What the endpoint asks for (`Retry-After`) wins. */
  readonly patience?: number;
  /** Requests a minute at most; default no limit. */
  readonly requestsPerMinute?: number;
  /** Milliseconds for one request; default 60,000. */
  readonly timeout?: number;
};

/** Embeds texts over HTTP by an endpoint in the shape of OpenAI's: batched, retried, rate-limited; vectors of length 1. */
export class HttpEmbedder implements IEmbedder {
  readonly space: IEmbedder["space"];
  readonly #options: HttpEmbedderOptions;
  #next = 0;
  /** Whether all attempts of the last request were in vain. */
  #isDown = false;

  constructor(options: HttpEmbedderOptions) {
    this.#options = options;
    this.space = { id: `http:${options.model}:${options.dimensions}`, dimensions: options.dimensions };
  }

  /** @throws PipeError `embedder-failed`, with what the endpoint answered. */
  async embed(texts: readonly string[], signal?: AbortSignal): Promise<readonly Float32Array[]> {
    const { batch = 64 } = this.#options;
    const vectors: Float32Array[] = [];
    for (let begin = 0; begin < texts.length; begin += batch)
      vectors.push(...(await this.#request(texts.slice(begin, begin + batch), signal)));
    return vectors;
  }

  async #request(texts: readonly string[], signal: AbortSignal | undefined): Promise<readonly Float32Array[]> {
    const { retries = 5, patience = 500 } = this.#options;
    for (let attempt = 0; ; attempt++) {
      await this.#turn(signal);
      const answer = await this.#send(texts, signal);
      if ("vectors" in answer) {
        this.#isDown = false;
        return answer.vectors;
      }
      const { got, again } = answer;
      if (again === false || attempt >= (this.#isDown ? 0 : retries)) {
        this.#isDown = again === "down";
        throw this.#failure(got, attempt + 1);
      }
      await wait(answer.after ?? patience * 2 ** attempt, signal);
    }
  }

  async #send(
    texts: readonly string[],
    signal: AbortSignal | undefined,
  ): Promise<
    | { readonly vectors: readonly Float32Array[] }
    | { readonly got: string; readonly again: "busy" | "down" | false; readonly after?: number | undefined }
  > {
    const { url, model, key, shorten = false, dimensions, timeout = 60_000 } = this.#options;
    const limit = AbortSignal.timeout(timeout);
    let response: Response;
    try {
      response = await fetch(url, {
        method: "POST",
        headers: {
          "content-type": "application/json",
          ...(key === undefined ? {} : { authorization: `Bearer ${key}` }),
        },
        // An endpoint refuses empty texts.
        body: JSON.stringify({ model, input: texts.map((text) => text || " "), ...(shorten ? { dimensions } : {}) }),
        signal: signal === undefined ? limit : AbortSignal.any([signal, limit]),
      });
      if (response.ok) return { vectors: vectorsOf(await response.json(), texts.length, dimensions) };
    } catch (error) {
      signal?.throwIfAborted();
      if (PipeError.is(error)) throw error;
      const { cause } = error as { cause?: Error };
      return { got: cause?.message ?? (error as Error).message, again: "down" };
    }
    // What it says is of use only where it comes.
    const said = await response.text().catch(() => "");
    signal?.throwIfAborted();
    const got = `${response.status} ${said.slice(0, 300)}`;
    const seconds = Number(response.headers.get("retry-after") ?? Number.NaN);
    const after = Number.isFinite(seconds) ? seconds * 1000 : undefined;
    const again = response.status === 429 ? "busy" : response.status >= 500 && "down";
    return { got, again, after };
  }

  /** Waits until the next request may begin. */
  async #turn(signal: AbortSignal | undefined): Promise<void> {
    const { requestsPerMinute } = this.#options;
    if (requestsPerMinute === undefined) return signal?.throwIfAborted();
    const begin = Math.max(performance.now(), this.#next);
    this.#next = begin + 60_000 / requestsPerMinute;
    await wait(begin - performance.now(), signal);
  }

  #failure(got: string, attempts: number): PipeError {
    return new PipeError(
      "embedder-failed",
      `The embedding endpoint failed after ${attempts} attempt${attempts === 1 ? "" : "s"}.`,
      {
        got,
        where: this.#options.url,
        fix: "check the address, the model's name and the key, then index again: what is embedded stays",
      },
    );
  }
}

/** The vectors of an answer in the order of the texts. @throws PipeError `embedder-failed`. */
function vectorsOf(answer: unknown, count: number, dimensions: number): readonly Float32Array[] {
  const rows = (
    answer as { readonly data?: readonly { readonly index?: number; readonly embedding?: readonly number[] }[] }
  ).data;
  const vectors: Float32Array[] = [];
  rows?.forEach(({ index, embedding }, i) => {
    if (embedding?.length === dimensions) vectors[index ?? i] = normalised(embedding);
  });
  if (rows?.length === count && vectors.length === count && vectors.every((vector) => vector !== undefined))
    return vectors;
  throw new PipeError("embedder-failed", "The embedding endpoint answered something else than vectors.", {
    expected: `${count} vectors of ${dimensions} elements under data[].embedding`,
    got:
      rows === undefined
        ? JSON.stringify(answer).slice(0, 200)
        : `${rows.length} of ${[...new Set(rows.map(({ embedding }) => embedding?.length))].join(", ")} elements`,
  });
}

function wait(milliseconds: number, signal: AbortSignal | undefined): Promise<void> {
  signal?.throwIfAborted();
  if (milliseconds <= 0) return Promise.resolve();
  return new Promise((resolve, reject) => {
    const stop = (): void => {
      clearTimeout(timer);
      reject(signal!.reason as Error);
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener("abort", stop);
      resolve();
    }, milliseconds);
    signal?.addEventListener("abort", stop, { once: true });
  });
}
