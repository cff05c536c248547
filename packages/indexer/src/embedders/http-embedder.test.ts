import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, describe, expect, it } from "vitest";
import { HttpEmbedder, type HttpEmbedderOptions } from "./http-embedder.ts";

type Asked = {
  readonly headers: IncomingMessage["headers"];
  readonly body: { readonly input: string[]; readonly [field: string]: unknown };
};
let server: Server | undefined;
afterEach(() => {
  server?.closeAllConnections();
  server?.close();
});

/** An endpoint on this machine; `answer` gets each request in turn. */
async function endpoint(
  answer: (asked: Asked, response: ServerResponse, turn: number) => void,
  options: Partial<HttpEmbedderOptions> = {},
): Promise<{ embedder: HttpEmbedder; asked: Asked[] }> {
  const asked: Asked[] = [];
  server = createServer((request, response) => {
    const parts: Buffer[] = [];
    request.on("data", (part: Buffer) => parts.push(part));
    request.on("end", () => {
      const one = { headers: request.headers, body: JSON.parse(Buffer.concat(parts).toString()) as Asked["body"] };
      asked.push(one);
      answer(one, response, asked.length);
    });
  });
  await new Promise<void>((resolve) => server!.listen(0, "127.0.0.1", resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1/embeddings`;
  return { embedder: new HttpEmbedder({ url, model: "m", dimensions: 2, patience: 1, ...options }), asked };
}

/** Answers in reverse order, as an endpoint may: `index` tells the text. */
function lengths({ body }: Asked, response: ServerResponse): void {
  const data = body.input.map((text, index) => ({ index, embedding: [3 * text.length, 4 * text.length] })).toReversed();
  response.setHeader("content-type", "application/json").end(JSON.stringify({ data }));
}

describe("HttpEmbedder", () => {
  it("asks in batches, with the key, and gives vectors of length 1 in the order of the texts", async () => {
    const { embedder, asked } = await endpoint(lengths, { batch: 2, key: "secret", shorten: true });
    const vectors = await embedder.embed(["a", "", "ccc"]);
    expect(vectors.map((vector) => [...vector].map((x) => Math.round(x * 10) / 10))).toEqual(Array(3).fill([0.6, 0.8]));
    expect(asked.map(({ body }) => body)).toEqual([
      { model: "m", input: ["a", " "], dimensions: 2 },
      { model: "m", input: ["ccc"], dimensions: 2 },
    ]);
    expect(asked[0]!.headers.authorization).toBe("Bearer secret");
    expect(embedder.space).toEqual({ id: "http:m:2", dimensions: 2 });
  });

  it("tries again where the endpoint is busy or breaks off, as it is asked to", async () => {
    const { embedder, asked } = await endpoint((one, response, turn) => {
      if (turn === 1) response.writeHead(429, { "retry-after": "0" }).end("slow down");
      else if (turn === 2) response.writeHead(503).end();
      else if (turn === 3) response.destroy();
      else lengths(one, response);
    });
    expect(await embedder.embed(["a"])).toHaveLength(1);
    expect(asked).toHaveLength(4);
  });

  it("gives up after its attempts, at once where trying again is of no use", async () => {
    const busy = await endpoint((_, response) => response.writeHead(500).end("broken"), { retries: 2 });
    await expect(busy.embedder.embed(["a"])).rejects.toMatchObject({
      code: "embedder-failed",
      message: expect.stringMatching(/3 attempts[^]*500 broken[^]*v1\/embeddings/),
    });
    const refused = await endpoint((_, response) => response.writeHead(401).end("wrong key"));
    await expect(refused.embedder.embed(["a"])).rejects.toThrow(/1 attempt\.[^]*401 wrong key/);
    expect(refused.asked).toHaveLength(1);
  });

  it("asks once for each text while the endpoint is down, and is patient again when it was up", async () => {
    let isUp = false;
    const { embedder, asked } = await endpoint(
      (one, response) => (isUp ? lengths(one, response) : response.writeHead(502).end()),
      { retries: 3 },
    );
    const attempts = async (): Promise<number> => {
      const before = asked.length;
      await embedder.embed(["a"]).catch(() => undefined);
      return asked.length - before;
    };
    expect([await attempts(), await attempts(), await attempts()]).toEqual([4, 1, 1]);
    isUp = true;
    expect(await attempts()).toBe(1);
    isUp = false;
    expect([await attempts(), await attempts()]).toEqual([4, 1]);
  });

  it("says the status of an answer that breaks off", async () => {
    const { embedder } = await endpoint((_, response) => {
      response.writeHead(400, { "content-length": "100" });
      response.write("too lo");
      setTimeout(() => response.destroy(), 20);
    });
    await expect(embedder.embed(["a"])).rejects.toMatchObject({
      code: "embedder-failed",
      message: expect.stringContaining("got: 400"),
    });
  });

  it.each([
    [{ data: [{ embedding: [1, 2, 3] }] }, "1 of 3 elements"],
    [{ data: [] }, "0 of"],
    [{ error: "no such model" }, "no such model"],
    [{ data: [{ index: 1, embedding: [1, 2] }] }, "1 of 2 elements"],
  ])("refuses the answer %j", async (answer, got) => {
    const { embedder } = await endpoint((_, response) => response.end(JSON.stringify(answer)));
    await expect(embedder.embed(["a"])).rejects.toMatchObject({
      code: "embedder-failed",
      message: expect.stringContaining(got),
    });
  });

  it("keeps a vector of zeros, stops when asked, and ends a request that hangs", async () => {
    const zeros = await endpoint((_, response) => response.end(JSON.stringify({ data: [{ embedding: [0, 0] }] })));
    expect([...(await zeros.embedder.embed(["a"]))[0]!]).toEqual([0, 0]);
    await expect(zeros.embedder.embed(["a"], AbortSignal.abort(new Error("enough")))).rejects.toThrow("enough");
    const hangs = await endpoint(() => undefined, { timeout: 30, retries: 0 });
    await expect(hangs.embedder.embed(["a"])).rejects.toMatchObject({ code: "embedder-failed" });
    const controller = new AbortController();
    const slow = await endpoint((_, response) => response.writeHead(503).end(), { patience: 60_000 });
    const pending = slow.embedder.embed(["a"], controller.signal).catch((error: unknown) => error);
    setTimeout(() => controller.abort(new Error("enough")), 50);
    expect(await pending).toMatchObject({ message: "enough" });
  });

  it("keeps to its requests a minute", async () => {
    const { embedder, asked } = await endpoint(lengths, { batch: 1, requestsPerMinute: 6000 });
    expect(await embedder.embed(["a", "b", "c"], new AbortController().signal)).toHaveLength(3);
    expect(asked).toHaveLength(3);
  });
});
