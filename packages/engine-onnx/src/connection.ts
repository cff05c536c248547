import { PipeError } from "@pipe/core";
import type { Answers, Envelope, Reply, Request } from "./protocol.ts";

/** The engine's end of a channel to a session host. */
export type Port = {
  postMessage(envelope: Envelope, transfer: readonly ArrayBuffer[]): void;
  on(event: "message", listener: (reply: Reply) => void): unknown;
  on(event: "error", listener: (error: Error) => void): unknown;
  /** A worker says `exit`, a message port `close`. */
  on(event: "exit" | "close", listener: () => void): unknown;
  /** Keep the process alive, or let it end. */
  ref(): void;
  unref(): void;
};

type Waiting = { readonly resolve: (answer: never) => void; readonly reject: (error: unknown) => void };

/** Sends requests and hands out their answers; keeps the process alive only while one is open. */
export class Connection {
  readonly #port: Port;
  readonly #waiting = new Map<number, Waiting>();
  #sequence = 0;
  #broken: PipeError | undefined;
  /** What the host last said of its pool. */
  pooledBytes = 0;

  constructor(port: Port) {
    this.#port = port;
    port.on("message", (reply) => this.#receive(reply));
    port.on("error", (error) => this.close("ONNX Runtime's worker ended.", error));
    for (const end of ["exit", "close"] as const) port.on(end, () => this.close("ONNX Runtime's worker ended."));
    port.unref();
  }

  /** Sends a request; transferred buffers must not be used afterwards. */
  send<T extends Request["type"]>(
    request: Extract<Request, { readonly type: T }>,
    transfer: readonly ArrayBuffer[] = [],
  ): Promise<Answers[T]> {
    if (this.#broken !== undefined) return Promise.reject(this.#broken);
    const sequence = this.#sequence++;
    return new Promise<Answers[T]>((resolve, reject) => {
      this.#waiting.set(sequence, { resolve: resolve as (answer: never) => void, reject });
      if (this.#waiting.size === 1) this.#port.ref();
      this.#port.postMessage({ sequence, request }, transfer);
    });
  }

  /** Fails everything that waits and all that comes, and resolves when the host is at rest. */
  async drain(reason: string): Promise<void> {
    if (this.#broken !== undefined) return;
    const rest = this.send({ type: "rest" }).catch(() => undefined);
    const last = [...this.#waiting].at(-1)!;
    this.#waiting.delete(last[0]);
    this.close(reason);
    this.#waiting.set(...last);
    this.#port.ref();
    await rest;
  }

  /** Fails everything that waits, and all that comes. */
  close(reason: string, cause?: unknown): void {
    this.#broken ??= new PipeError("engine-closed", reason, cause === undefined ? {} : { cause });
    for (const { reject } of this.#waiting.values()) reject(this.#broken);
    this.#waiting.clear();
    this.#port.unref();
  }

  #receive(reply: Reply): void {
    const waiting = this.#waiting.get(reply.sequence);
    if (waiting === undefined) return;
    this.#waiting.delete(reply.sequence);
    if (this.#waiting.size === 0) this.#port.unref();
    this.pooledBytes = reply.pooledBytes;
    if (reply.ok) waiting.resolve(reply.answer as never);
    else waiting.reject(new PipeError(reply.code, reply.message, reply.fix === undefined ? {} : { fix: reply.fix }));
  }
}
