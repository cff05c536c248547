import type { HostArray } from "@pipe/core";
import { messageOf, PipeError } from "@pipe/core";
import { GpuBackend } from "./gpu/gpu-backend.ts";
import { HostBackend } from "./host-backend.ts";
import type { Answers, Envelope, Failure, Reply, Request, RunRequest } from "./protocol.ts";
import { openProvider } from "./providers.ts";
import type { SessionBackend } from "./session-backend.ts";

/** Both ends of a message channel that a host needs; a worker's `parentPort` and a `MessagePort` fit. */
export type HostPort = {
  on(event: "message", listener: (envelope: Envelope) => void): unknown;
  on(event: "close", listener: () => void): unknown;
  postMessage(reply: Reply, transfer?: readonly ArrayBuffer[]): void;
};

/** Owns ONNX Runtime's sessions and all tensors; serves one request after the other. */
export class SessionHost {
  /** There from the first request on, which opens it. */
  #backend: SessionBackend | undefined;

  /** Serves a port until it closes, and frees everything then. */
  static serve(port: HostPort): SessionHost {
    const host = new SessionHost();
    let queue = Promise.resolve();
    port.on("message", ({ sequence, request }) => {
      queue = queue.then(async () => {
        const [reply, transfer] = await host.#reply(sequence, request);
        port.postMessage(reply, transfer);
      });
    });
    port.on("close", () => {
      queue = queue.then(() => host.#backend?.close());
    });
    return host;
  }

  async #reply(sequence: number, request: Request): Promise<[Reply, ArrayBuffer[]]> {
    try {
      const answer = await this.#answer(request);
      const transfer = request.type === "read" ? [(answer as HostArray).buffer as ArrayBuffer] : [];
      return [{ sequence, pooledBytes: this.#backend!.pooledBytes, ok: true, answer }, transfer];
    } catch (error) {
      const pooledBytes = this.#backend?.pooledBytes ?? 0;
      return [{ sequence, pooledBytes, ok: false, ...failureOf(error) }, []];
    }
  }

  async #answer(request: Request): Promise<Answers[keyof Answers]> {
    if (request.type === "open") return this.#open(request);
    const backend = this.#backend!;
    switch (request.type) {
      case "compile":
        await backend.compile(request.executable, request.program);
        return undefined;
      case "put":
        await backend.put(request.tensors);
        return undefined;
      case "run":
        return this.#run(backend, request);
      case "read":
        return backend.read(request.tensor);
      case "copy":
        for (const [i, from] of request.from.entries()) await backend.copy(from, request.to[i]!);
        return undefined;
      case "free":
        for (const tensor of request.tensors) backend.free(tensor);
        return undefined;
      case "close-executable":
        await backend.release(request.executable);
        return undefined;
      case "rest":
        return undefined;
    }
  }

  async #open({ type: _, ...options }: Extract<Request, { type: "open" }>): Promise<Answers["open"]> {
    const { runtime, sessions, version } = await openProvider(options);
    this.#backend =
      options.provider === "webgpu" ? new GpuBackend(runtime, sessions) : new HostBackend(runtime, sessions);
    return { version };
  }

  async #run(backend: SessionBackend, request: RunRequest): Promise<Answers["run"]> {
    try {
      return { small: await backend.run(request) };
    } catch (error) {
      const failure = PipeError.is(error)
        ? error
        : new PipeError("engine-failed", "ONNX Runtime could not run a program.", {
            got: messageOf(error),
            cause: error,
          });
      for (const output of request.outputs) backend.fail(output, failure);
      throw failure;
    }
  }
}

/** An error as it crosses the channel; its advice is a part of the message again on the other side. */
function failureOf(error: unknown): Failure {
  const message = messageOf(error);
  if (!PipeError.is(error)) return { code: "engine-failed", message };
  const { code, fix } = error;
  return fix === undefined ? { code, message } : { code, message: message.replace(`\n  fix: ${fix}`, ""), fix };
}
