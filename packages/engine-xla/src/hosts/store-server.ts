import { once } from "node:events";
import { type AddressInfo, createServer, type Socket } from "node:net";
import { Frames } from "./frames.ts";
import { challenge, isProof, proof } from "./handshake.ts";
import { KeyValues } from "./key-values.ts";
import { decodeRequest, encodeReply } from "./store-messages.ts";

/** Where a store listens, and the secret that all nodes share. */
export type StoreAddress = { readonly host: string; readonly port: number; readonly secret: string };

/** A store that nodes reach over the network. */
export type StoreServer = {
  /** The port; with a wish of 0 the system chose it. */
  readonly port: number;
  /** Ends it and every connection. */
  close(): void;
};

/** A stranger gets this long to prove that it knows the secret, in milliseconds. */
const PATIENCE = 10_000;
/** Nothing that comes before is longer: a challenge, a proof and the number of the node. */
const STRANGER_BYTES = 128;
/** A node that leaves says so; without that its connection was lost. */
export const GOODBYE = Buffer.from("goodbye");

/** Starts a store. A connection that does not prove to know the secret is closed before anything is read of it. */
export async function startStore({ host, port, secret }: StoreAddress): Promise<StoreServer> {
  const values = new KeyValues();
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on("close", () => sockets.delete(socket));
    welcome(socket, secret, values);
  });
  server.listen(port, host);
  await once(server, "listening");
  return {
    port: (server.address() as AddressInfo).port,
    close: () => {
      server.close();
      for (const socket of sockets) socket.destroy();
    },
  };
}

function welcome(socket: Socket, secret: string, values: KeyValues): void {
  const own = challenge();
  let node: number | undefined;
  let hasLeft = false;
  const open = new Set<() => void>();
  const patience = setTimeout(() => socket.destroy(), PATIENCE);
  socket.on("error", () => undefined);
  socket.on("close", () => {
    clearTimeout(patience);
    for (const forget of open) forget();
    if (node !== undefined && !hasLeft) values.lose(node);
  });
  const prove = (frame: Buffer): void => {
    const theirs = frame.subarray(0, 32);
    const number = frame.subarray(32, 36);
    const given = frame.subarray(36);
    const challenges = [own, theirs, number];
    if (!isProof(given, proof(secret, "node", challenges))) {
      socket.destroy();
      return;
    }
    clearTimeout(patience);
    node = number.readUInt32LE(0);
    frames.send(proof(secret, "store", challenges));
  };
  const serve = (frame: Buffer): void => {
    if (frame.equals(GOODBYE)) {
      hasLeft = true;
      return;
    }
    const { number, request } = decodeRequest(frame);
    let forget: () => void = () => undefined;
    forget = values.ask(request, (reply) => {
      open.delete(forget);
      frames.send(...encodeReply(number, reply));
    });
    open.add(forget);
  };
  const receive = (frame: Buffer): void => {
    try {
      if (node !== undefined) serve(frame);
      else if (frame.length <= STRANGER_BYTES) prove(frame);
      else socket.destroy();
    } catch {
      // Nobody who keeps to the protocol sends this.
      socket.destroy();
    }
  };
  const frames: Frames = new Frames(socket, receive);
  frames.send(own);
}
