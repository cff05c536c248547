import { type ResourceLimits, Worker } from "node:worker_threads";
import { definedOnly, messageOf, PipeError, workerEntry } from "@pipe/core";

/** Functions that one thread serves to another; arguments and results are structured clones. */
// oxlint-disable-next-line typescript/no-explicit-any -- each function has parameters of its own
export type Served = { readonly [method: string]: (...args: any[]) => unknown };

type Call = { readonly id: number; readonly method: string; readonly args: readonly unknown[] };
type Reply =
  | { readonly id: number; readonly ok: true; readonly value: unknown }
  | { readonly id: number; readonly ok: false; readonly error: SentError };

/** An error as it goes from thread to thread; a message holds all that people read. */
type SentError = {
  readonly message: string;
  readonly code?: string;
  readonly fix?: string;
  /** What an error of the operating system says beside its message. */
  readonly system?: Pick<NodeJS.ErrnoException, "code" | "syscall" | "path">;
};

/** One end of a channel between threads: a `Worker`, its parent's port, or a `MessagePort`. */
export type Port = {
  postMessage(message: unknown): void;
  on(event: "message", listener: (message: never) => void): unknown;
  on(event: "error", listener: (error: Error) => void): unknown;
  on(event: "exit" | "close", listener: () => void): unknown;
  ref(): void;
  unref(): void;
};

/** Answers calls from a port; each begins when it comes, so that a long asynchronous one holds up nobody. */
export function serve(port: Port, served: Served): void {
  const answer = async ({ id, method, args }: Call): Promise<Reply> => {
    try {
      return { id, ok: true, value: await served[method]!(...args) };
    } catch (error) {
      return { id, ok: false, error: sent(error) };
    }
  };
  // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a port of worker_threads has none
  port.on("message", (call: Call) => void answer(call).then((reply) => port.postMessage(reply)));
}

/** Calls functions that another thread serves; keeps the process alive only while an answer is awaited. */
export class WorkerChannel<S extends Served> {
  readonly #port: Port;
  readonly #waiting = new Map<
    number,
    { readonly resolve: (value: unknown) => void; readonly reject: (error: unknown) => void }
  >();
  #next = 0;
  #resting: (() => void)[] = [];
  #closed: PipeError | undefined;

  constructor(port: Port) {
    this.#port = port;
    port.on("message", (reply: Reply) => this.#settle(reply));
    port.on("error", (error: Error) => this.close("A worker of the index ended.", error));
    port.on("exit", () => this.close("A worker of the index ended."));
    port.unref();
  }

  /** Calls a function. @throws what it throws: a `PipeError` with its code; `index-closed` after {@link close}. */
  call<M extends keyof S & string>(method: M, ...args: Parameters<S[M]>): Promise<Awaited<ReturnType<S[M]>>> {
    if (this.#closed !== undefined) return Promise.reject(this.#closed);
    const id = this.#next++;
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve: resolve as (value: unknown) => void, reject });
      if (this.#waiting.size === 1) this.#port.ref();
      // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a port of worker_threads has none
      this.#port.postMessage({ id, method, args } satisfies Call);
    });
  }

  /** Resolves when every call is answered: a thread that is ended within a native one may take the process along. */
  rest(): Promise<void> {
    return this.#waiting.size === 0 ? Promise.resolve() : new Promise((resolve) => this.#resting.push(resolve));
  }

  /** Fails what waits and all that comes. */
  close(reason: string, cause?: unknown): void {
    if (this.#closed !== undefined) return;
    this.#closed = new PipeError("index-closed", reason, cause === undefined ? {} : { cause, got: messageOf(cause) });
    for (const { reject } of this.#waiting.values()) reject(this.#closed);
    this.#waiting.clear();
    this.#settled();
  }

  #settle(reply: Reply): void {
    const waiting = this.#waiting.get(reply.id);
    if (waiting === undefined) return;
    this.#waiting.delete(reply.id);
    if (this.#waiting.size === 0) this.#settled();
    if (reply.ok) waiting.resolve(reply.value);
    else waiting.reject(received(reply.error));
  }

  #settled(): void {
    this.#port.unref();
    for (const resolve of this.#resting.splice(0)) resolve();
  }
}

function sent(error: unknown): SentError {
  const message = messageOf(error);
  if (PipeError.is(error)) return { message, ...definedOnly({ code: error.code, fix: error.fix }) };
  if (!(error instanceof Error && "syscall" in error)) return { message };
  const { code, syscall, path } = error as NodeJS.ErrnoException;
  return { message, system: definedOnly({ code, syscall, path }) };
}

function received({ message, code, fix, system = {} }: SentError): Error {
  if (code === undefined) return Object.assign(new Error(message), system);
  return Object.assign(new PipeError(code, message), fix === undefined ? {} : { fix });
}

/** A channel to somebody who serves, and how to end it. */
export type Serving<S extends Served> = { readonly channel: WorkerChannel<S>; readonly stop: () => Promise<unknown> };

/** Awaits what is asked of a channel first; where that fails, the channel is ended. */
export async function orStopped<T>({ stop }: { readonly stop: () => Promise<unknown> }, first: Promise<T>): Promise<T> {
  try {
    return await first;
  } catch (error) {
    await stop();
    throw error;
  }
}

/** What a call gives for items, so many at a time: after each call the signal may end it. */
export async function inTurns<I, O>(
  items: readonly I[],
  size: number,
  signal: AbortSignal | undefined,
  call: (some: readonly I[]) => Promise<readonly O[]>,
): Promise<O[]> {
  const given: O[] = [];
  for (let begin = 0; begin < items.length; begin += size) {
    signal?.throwIfAborted();
    given.push(...(await call(items.slice(begin, begin + size))));
  }
  return given;
}

/** Ends a channel when all that was asked is answered. @param reason what is said to who calls it afterwards. */
export async function endServing<S extends Served>({ channel, stop }: Serving<S>, reason: string): Promise<void> {
  await channel.rest();
  channel.close(reason);
  await stop();
}

/**
 * Starts a worker beside this package's modules.
 * @param name the file without `.worker` and its ending; it serves its parent's port.
 */
export function startWorker<S extends Served>(name: string, resourceLimits?: ResourceLimits): Serving<S> {
  const { url, options } = workerEntry(import.meta.url, name);
  const worker = new Worker(url, { ...options, ...definedOnly({ resourceLimits }) });
  return { channel: new WorkerChannel<S>(worker as unknown as Port), stop: () => worker.terminate() };
}

/** Serves in this thread, over the same kind of channel: for short work, where starting a worker would take longer. */
export function serveHere<S extends Served>(served: S): Serving<S> {
  const { port1, port2 } = new MessageChannel() as unknown as { port1: Port; port2: Port };
  serve(port2, served);
  port2.unref();
  return {
    channel: new WorkerChannel<S>(port1),
    stop: async () => {
      await Promise.resolve();
      (port1 as unknown as { close(): void }).close();
    },
  };
}
