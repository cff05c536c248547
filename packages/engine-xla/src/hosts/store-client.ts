import { connect, type Socket } from "node:net";
import { PipeError } from "@pipe/core";
import { Frames } from "./frames.ts";
import { challenge, isProof, proof } from "./handshake.ts";
import { decodeReply, encodeRequest, type StoreReply, type StoreRequest } from "./store-messages.ts";
import { GOODBYE, type StoreAddress } from "./store-server.ts";

/** A node's connection to the store. */
export type StoreClient = {
  /** @throws PipeError `peer-lost` where the store or another node is gone. */
  ask(request: StoreRequest): Promise<StoreReply>;
  /** Says goodbye, so that the others do not take this node for lost. */
  close(): void;
};

/** Between two attempts to reach a store that is not there yet, in milliseconds. */
const PAUSE = 100;

/**
 * Connects a node with the store, which may start later: until `timeoutMs` is over.
 * @throws PipeError `store-missing`, `store-refused` where the secrets are not the same.
 */
export async function connectStore(address: StoreAddress, node: number, timeoutMs: number): Promise<StoreClient> {
  const end = performance.now() + timeoutMs;
  for (;;) {
    const problem = await reach(address).catch((error: Error) => error);
    if (!(problem instanceof Error)) return introduce(problem, address, node, Math.max(PAUSE, end - performance.now()));
    if (performance.now() + PAUSE > end) {
      throw new PipeError("store-missing", "The process of node 0 cannot be reached.", {
        got: problem.message,
        where: `${address.host}:${address.port}`,
        fix: "start node 0, and see that the address is its own and the port is open",
        cause: problem,
      });
    }
    await new Promise((resolve) => setTimeout(resolve, PAUSE));
  }
}

function reach({ host, port }: StoreAddress): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, host, () => {
      socket.off("error", reject);
      resolve(socket);
    });
    socket.once("error", reject);
  });
}

function introduce(socket: Socket, address: StoreAddress, node: number, timeoutMs: number): Promise<StoreClient> {
  const { secret } = address;
  const own = challenge();
  const number = Buffer.alloc(4);
  number.writeUInt32LE(node);
  return new Promise((resolve, reject) => {
    const refuse = (): void => {
      socket.destroy();
      reject(
        new PipeError("store-refused", "The process of node 0 and this one do not share a secret.", {
          where: `${address.host}:${address.port}`,
          fix: "give every node the same secret",
        }),
      );
    };
    const patience = setTimeout(refuse, timeoutMs);
    socket.on("close", refuse);
    socket.on("error", refuse);
    let theirs: Buffer | undefined;
    let receive = (frame: Buffer): void => {
      if (theirs === undefined) {
        theirs = Buffer.from(frame);
        frames.send(own, number, proof(secret, "node", [theirs, own, number]));
      } else if (isProof(frame, proof(secret, "store", [theirs, own, number]))) {
        clearTimeout(patience);
        socket.removeAllListeners("close");
        const { client, answer } = asking(socket, frames, address);
        receive = answer;
        resolve(client);
      } else refuse();
    };
    const frames: Frames = new Frames(socket, (frame) => receive(frame));
  });
}

function asking(
  socket: Socket,
  frames: Frames,
  { host, port }: StoreAddress,
): { readonly client: StoreClient; readonly answer: (frame: Buffer) => void } {
  type Waiting = { readonly resolve: (reply: StoreReply) => void; readonly reject: (error: Error) => void };
  const waiting = new Map<number, Waiting>();
  let numbers = 0;
  const lost = (what: string): PipeError =>
    new PipeError("peer-lost", `${what} is gone, or cannot be reached.`, {
      where: `${host}:${port}`,
      fix: "start the run again with --resume on all nodes",
    });
  socket.on("close", () => {
    for (const { reject } of waiting.values()) reject(lost("The process of node 0"));
    waiting.clear();
  });
  const ask = (request: StoreRequest): Promise<StoreReply> =>
    new Promise((resolve, reject) => {
      if (socket.destroyed) {
        reject(lost("The process of node 0"));
        return;
      }
      const number = numbers++;
      waiting.set(number, { resolve, reject });
      frames.send(...encodeRequest(number, request));
    });
  const answer = (frame: Buffer): void => {
    const { number, reply } = decodeReply(frame);
    const { resolve, reject } = waiting.get(number)!;
    waiting.delete(number);
    if (reply.status === "lost") reject(lost(`The process of node ${reply.node}`));
    else resolve(reply);
  };
  const close = (): void => {
    if (!socket.destroyed) frames.send(GOODBYE);
    socket.end();
  };
  return { client: { ask, close }, answer };
}
