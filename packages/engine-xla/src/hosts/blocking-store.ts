import { type MessagePort, receiveMessageOnPort } from "node:worker_threads";
import { PipeError } from "@pipe/core";
import type { StoreReply, StoreRequest } from "./store-messages.ts";
import type { StoreClient } from "./store-client.ts";

/** What crosses from the thread of the connection to one that waits. */
type Answer = { readonly reply: StoreReply } | { readonly code: string; readonly message: string };

/** One end for a thread that blocks while it asks, one for the thread of the connection. */
export type BlockingChannel = { readonly port: MessagePort; readonly flag: SharedArrayBuffer };

/** The connection's thread may take so much longer than a request asks for, in milliseconds. */
const SLACK = 5000;

/** Asks the store and blocks the thread until it answers, as a C callback has to. @throws PipeError `peer-lost`. */
export function askBlocking({ port, flag }: BlockingChannel, request: StoreRequest, slack = SLACK): StoreReply {
  const state = new Int32Array(flag);
  Atomics.store(state, 0, 0);
  port.postMessage(request);
  const timeout = (request.op === "get" ? request.timeoutMs : 0) + slack;
  if (Atomics.wait(state, 0, 0, timeout) === "timed-out") {
    throw new PipeError("peer-lost", "The connection with node 0 does not answer.", {
      expected: `an answer within ${timeout} ms`,
    });
  }
  const { message: answer } = receiveMessageOnPort(port) as { readonly message: Answer };
  if ("reply" in answer) return answer.reply;
  throw new PipeError(answer.code, answer.message);
}

/** Answers what comes through a channel with what the store says. */
export function serveChannel({ port, flag }: BlockingChannel, client: StoreClient): void {
  const state = new Int32Array(flag);
  const answer = (given: Answer): void => {
    // First the message, then the sign that it is there.
    port.postMessage(given);
    Atomics.store(state, 0, 1);
    Atomics.notify(state, 0);
  };
  port.on("message", (request: StoreRequest) => {
    client.ask(request).then(
      (reply) => answer({ reply }),
      (error: Error) => answer({ code: PipeError.is(error) ? error.code : "store-failed", message: error.message }),
    );
  });
}
