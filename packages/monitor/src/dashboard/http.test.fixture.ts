import { connect } from "node:net";
import { type IncomingMessage, request } from "node:http";

/** A server-sent event. */
export type Sent = { readonly id: string; readonly event: string; readonly data: string };

/** Asks with headers that `fetch` would not let through. */
export async function get(
  url: string,
  options: {
    readonly method?: string;
    readonly headers?: { readonly [name: string]: string };
    readonly path?: string;
  } = {},
): Promise<{ readonly status: number; readonly headers: IncomingMessage["headers"]; readonly body: string }> {
  return new Promise((resolve, reject) => {
    const asked = request(url, { agent: false, ...options }, (response) => {
      let body = "";
      response.setEncoding("utf8").on("data", (piece: string) => (body += piece));
      response.on("end", () => resolve({ status: response.statusCode!, headers: response.headers, body }));
    });
    asked.on("error", reject).end();
  });
}

/** Reads a stream of events. */
export class Reader {
  readonly sent: Sent[] = [];
  #waiting: (() => void)[] = [];
  #response: IncomingMessage | undefined;
  #closed = false;

  static async open(url: string, lastId?: string): Promise<Reader> {
    const reader = new Reader();
    await new Promise<void>((resolve, reject) => {
      const headers = lastId === undefined ? {} : { "Last-Event-ID": lastId };
      const asked = request(url, { agent: false, headers }, (response) => {
        reader.#response = response;
        let text = "";
        response.setEncoding("utf8").on("data", (piece: string) => {
          text += piece;
          const parts = text.split("\n\n");
          text = parts.pop()!;
          for (const part of parts) reader.#take(part);
        });
        response.on("close", () => {
          reader.#closed = true;
          reader.#wake();
        });
        response.on("error", () => undefined);
        resolve();
      });
      asked.on("error", reject).end();
    });
    return reader;
  }

  /** Resolves when what was sent fulfils a condition. */
  async until(condition: (sent: readonly Sent[]) => boolean): Promise<readonly Sent[]> {
    while (!condition(this.sent)) {
      if (this.#closed) throw new Error(`the stream ended after ${JSON.stringify(this.sent).slice(0, 500)}`);
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    }
    return this.sent;
  }

  close(): void {
    this.#response?.destroy();
  }

  #take(part: string): void {
    const fields = Object.fromEntries(
      part.split("\n").map((line) => [line.split(": ")[0]!, line.slice(line.indexOf(": ") + 2)]),
    );
    if (fields["data"] === undefined) return; // a comment, or how long to wait before the next try
    this.sent.push({ id: fields["id"] ?? "", event: fields["event"]!, data: fields["data"] });
    this.#wake();
  }

  #wake(): void {
    for (const wake of this.#waiting.splice(0)) wake();
  }
}

/** Writes bytes to a port and resolves to what comes back. */
export async function raw(port: number, text: string): Promise<string> {
  return new Promise((resolve) => {
    let answer = "";
    const socket = connect(port, "127.0.0.1", () => socket.write(text));
    socket.on("data", (piece) => (answer += piece.toString()));
    socket.on("error", () => undefined);
    socket.on("close", () => resolve(answer));
  });
}
