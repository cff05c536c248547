import { once } from "node:events";
import { connect } from "node:net";
import { afterEach, describe, expect, it } from "vitest";
import { lost } from "./lost-node.test.fixture.ts";
import { type StoreClient, connectStore } from "./store-client.ts";
import { decodeReply, decodeRequest, encodeReply, encodeRequest } from "./store-messages.ts";
import { startStore, type StoreServer } from "./store-server.ts";

const secret = "a secret of the nodes";
const host = "127.0.0.1";
const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
let server: StoreServer | undefined;
afterEach(() => server?.close());

const start = async (): Promise<StoreServer> => (server = await startStore({ host, port: 0, secret }));
const join = ({ port }: StoreServer, node: number, timeoutMs = 5000): Promise<StoreClient> =>
  connectStore({ host, port, secret }, node, timeoutMs);

describe("the store of several hosts", () => {
  it("gives values at once, when they come, or not at all", async () => {
    const store = await start();
    const [a, b] = [await join(store, 0), await join(store, 1)];
    expect(await a.ask({ op: "get", key: "x", timeoutMs: 0 })).toEqual({ status: "absent" });
    expect(await a.ask({ op: "get", key: "x", timeoutMs: 20 })).toEqual({ status: "absent" });
    const waiting = [a, b, b].map((node) => node.ask({ op: "get", key: "x", timeoutMs: 60_000 }));
    expect(await b.ask({ op: "put", key: "x", value: bytes("läuft") })).toEqual({ status: "stored" });
    for (const reply of await Promise.all(waiting)) expect(reply).toEqual({ status: "found", value: bytes("läuft") });
    expect(await a.ask({ op: "get", key: "x", timeoutMs: 0 })).toMatchObject({ status: "found" });
    const large = new Uint8Array(3_000_000).fill(7);
    await a.ask({ op: "put", key: "large", value: large });
    expect(await b.ask({ op: "get", key: "large", timeoutMs: 1000 })).toEqual({ status: "found", value: large });
    a.close();
    b.close();
  });

  it("waits for a node 0 that starts later, and says where it is not there", async () => {
    const { port } = await start();
    server!.close();
    const early = connectStore({ host, port, secret }, 1, 10_000);
    await new Promise((resolve) => setTimeout(resolve, 150));
    server = await startStore({ host, port, secret });
    (await early).close();
    server.close();
    await expect(connectStore({ host, port, secret }, 1, 150)).rejects.toMatchObject({
      code: "store-missing",
      message: expect.stringContaining(`${host}:${port}`),
    });
  });

  it("lets nobody in without the secret, and no node take another for the store", async () => {
    const { port } = await start();
    await expect(connectStore({ host, port, secret: "a guess" }, 1, 5000)).rejects.toMatchObject({
      code: "store-refused",
    });
    for (const first of [Buffer.from("GET / HTTP/1.1\r\n\r\n"), Buffer.from([200, 0, 0, 0, ...Buffer.alloc(200)])]) {
      const stranger = connect(port, host);
      stranger.on("error", () => undefined).resume();
      stranger.write(first);
      await once(stranger, "close");
    }
    server!.close();
    // A store that knows no secret cannot answer the node's challenge.
    server = await startStore({ host, port: 0, secret: "another" });
    await expect(join(server, 1)).rejects.toMatchObject({ code: "store-refused" });
  });

  it("tells those who wait that a node is lost, and takes one that says goodbye for gone", async () => {
    const store = await start();
    const [main, leaving] = [await join(store, 0), await join(store, 1)];
    leaving.close();
    expect(await main.ask({ op: "get", key: "x", timeoutMs: 50 })).toEqual({ status: "absent" });
    // A node that dies has its socket closed by the system.
    const gone = { code: "peer-lost", message: expect.stringContaining("node 3") };
    const told = main.ask({ op: "get", key: "x", timeoutMs: 60_000 }).catch((error: unknown) => error);
    await lost({ host, port: store.port, secret }, 3);
    expect(await told).toMatchObject(gone);
    await expect(main.ask({ op: "get", key: "y", timeoutMs: 60_000 })).rejects.toMatchObject(gone);
    const last = main.ask({ op: "get", key: "z", timeoutMs: 0 });
    expect(await last).toEqual({ status: "absent" });
    main.close();
  });

  it("tells nodes that node 0 is lost", async () => {
    const store = await start();
    const node = await join(store, 1);
    const gone = { code: "peer-lost", message: expect.stringContaining("node 0") };
    const told = node.ask({ op: "get", key: "x", timeoutMs: 60_000 }).catch((error: unknown) => error);
    await node.ask({ op: "put", key: "y", value: bytes("y") });
    store.close();
    expect(await told).toMatchObject(gone);
    await expect(node.ask({ op: "get", key: "x", timeoutMs: 0 })).rejects.toMatchObject(gone);
    node.close();
  });

  it("reads no bytes that are no messages", () => {
    const [put] = [Buffer.concat(encodeRequest(7, { op: "put", key: "k", value: bytes("v") }))];
    expect(decodeRequest(put)).toEqual({ number: 7, request: { op: "put", key: "k", value: bytes("v") } });
    expect(() => decodeRequest(Buffer.concat([Buffer.from([9]), put.subarray(1)]))).toThrow(RangeError);
    expect(() => decodeRequest(put.subarray(0, 13))).toThrow(RangeError);
    const reply = Buffer.concat(encodeReply(7, { status: "lost", node: 2 }));
    expect(decodeReply(reply)).toEqual({ number: 7, reply: { status: "lost", node: 2 } });
    reply[4] = 9;
    expect(() => decodeReply(reply)).toThrow(RangeError);
  });
});
