import type { Socket } from "node:net";
import { PipeError } from "@pipe/core";

/** What XLA exchanges are descriptions of devices and keys of collectives: kilobytes. */
const LARGEST = 64 * 2 ** 20;

/** Sends and receives byte arrays over a socket, each behind its length as four bytes. */
export class Frames {
  readonly #socket: Socket;
  #rest: Buffer = Buffer.alloc(0);

  /** `receive` gets each frame; one that is too long ends the connection with an error. */
  constructor(socket: Socket, receive: (frame: Buffer) => void, largest = LARGEST) {
    this.#socket = socket;
    socket.setNoDelay(true);
    socket.on("data", (data) => {
      this.#rest = this.#rest.length === 0 ? data : Buffer.concat([this.#rest, data]);
      while (this.#rest.length >= 4 && !socket.destroyed) {
        const length = this.#rest.readUInt32LE(0);
        if (length > largest) {
          socket.destroy(new PipeError("store-protocol", "A message is too long.", { got: `${length} bytes` }));
          return;
        }
        if (this.#rest.length < 4 + length) return;
        const frame = this.#rest.subarray(4, 4 + length);
        this.#rest = this.#rest.subarray(4 + length);
        receive(frame);
      }
    });
  }

  /** Sends a frame made of parts. */
  send(...parts: readonly Uint8Array[]): void {
    const length = Buffer.alloc(4);
    length.writeUInt32LE(parts.reduce((sum, part) => sum + part.length, 0));
    this.#socket.write(Buffer.concat([length, ...parts]));
  }
}
