/* oxlint-disable unicorn/require-post-message-target-origin -- ports of worker_threads have none */
import { once } from "node:events";
import { MessageChannel, type MessagePort, Worker } from "node:worker_threads";
import { describe, expect, it } from "vitest";
import { askBlocking } from "./blocking-store.ts";
import { hostCallbacks } from "./host-callbacks.ts";
import { hostConnection } from "./host-connection.ts";
import { startStore } from "./store-server.ts";

const secret = "a secret of the nodes";
const channel = () => {
  const { port1, port2 } = new MessageChannel();
  const flag = new SharedArrayBuffer(4);
  return { asking: { port: port1, flag }, answering: { port: port2, flag } };
};
const freeAddress = async () => {
  const store = await startStore({ host: "127.0.0.1", port: 0, secret });
  store.close();
  return { host: "127.0.0.1", port: store.port, secret };
};
/** The next message of a port. */
const next = async (port: MessagePort): Promise<unknown> => ((await once(port, "message")) as unknown[])[0];

describe("the threads of a node", () => {
  it("ask and block until another thread has the answer", async () => {
    const address = await freeAddress();
    const { asking, answering } = channel();
    const worker = new Worker(new URL("./connection.worker.ts", import.meta.url), {
      workerData: { address, node: 0, timeoutMs: 5000, channels: [answering] },
      transferList: [answering.port],
      execArgv: ["--conditions=@pipe/source"],
    });
    expect(((await once(worker, "message")) as unknown[])[0]).toEqual({ connected: true });
    const value = Uint8Array.of(1, 2, 3);
    expect(askBlocking(asking, { op: "put", key: "x", value })).toEqual({ status: "stored" });
    expect(askBlocking(asking, { op: "get", key: "x", timeoutMs: 0 })).toEqual({ status: "found", value });
    expect(askBlocking(asking, { op: "get", key: "y", timeoutMs: 10 })).toEqual({ status: "absent" });
    worker.postMessage("end");
    await once(worker, "exit");
    expect(() => askBlocking(asking, { op: "get", key: "x", timeoutMs: 0 }, 10)).toThrow(
      expect.objectContaining({ code: "peer-lost" }),
    );
    asking.port.close();
  });

  it("answer what comes, and say what is lost", async () => {
    const address = await freeAddress();
    const { asking, answering } = channel();
    const { port1: parent, port2: own } = new MessageChannel();
    const store = await startStore(address);
    const told = next(parent);
    await hostConnection(own, { address, node: 1, timeoutMs: 5000, channels: [answering] });
    expect(await told).toEqual({ connected: true });
    asking.port.postMessage({ op: "get", key: "x", timeoutMs: 0 });
    expect(await next(asking.port)).toEqual({ reply: { status: "absent" } });
    asking.port.postMessage({ op: "get", key: "x", timeoutMs: 60_000 });
    const lost = next(asking.port);
    asking.port.postMessage({ op: "put", key: "y", value: Uint8Array.of(1) });
    expect(await lost).toEqual({ reply: { status: "stored" } });
    const last = next(asking.port);
    store.close();
    expect(await last).toMatchObject({ code: "peer-lost" });
    parent.postMessage("end");
    await once(parent, "close");
  });

  it("say why they cannot connect", async () => {
    const address = await freeAddress();
    const store = await startStore(address);
    const { port1: parent, port2: own } = new MessageChannel();
    const busy = next(parent);
    await hostConnection(own, { address, node: 0, timeoutMs: 100, channels: [] });
    expect(await busy).toMatchObject({ connected: false, code: "store-failed" });
    const refused = next(parent);
    await hostConnection(own, { address: { ...address, secret: "a guess" }, node: 1, timeoutMs: 5000, channels: [] });
    expect(await refused).toMatchObject({ connected: false, code: "store-refused", fix: expect.any(String) });
    store.close();
    own.close();
  });

  it("register callbacks, and end them", async () => {
    const { asking } = channel();
    const { port1: parent, port2: own } = new MessageChannel();
    const told = next(parent);
    hostCallbacks(own, { names: ["put", "tryGet"], channel: asking });
    expect(await told).toEqual({ put: expect.any(BigInt), tryGet: expect.any(BigInt) });
    parent.postMessage("end");
    await once(parent, "close");
  });
});
