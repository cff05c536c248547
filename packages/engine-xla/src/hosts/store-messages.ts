/** What a node asks of the store. */
export type StoreRequest =
  | { readonly op: "put"; readonly key: string; readonly value: Uint8Array }
  /** Waits for a value for so many milliseconds at most; with 0 it does not wait. */
  | { readonly op: "get"; readonly key: string; readonly timeoutMs: number };

/** What the store answers. */
export type StoreReply =
  | { readonly status: "found"; readonly value: Uint8Array }
  | { readonly status: "stored" }
  /** Not there, or not there in time. */
  | { readonly status: "absent" }
  /** A node is gone that might have put it. */
  | { readonly status: "lost"; readonly node: number };

const ops = ["put", "get"] as const;
const statuses = ["found", "stored", "absent", "lost"] as const;

/** A request as bytes: its op, number, timeout and the length of its key, then key and value. */
export function encodeRequest(number: number, request: StoreRequest): readonly Uint8Array[] {
  const key = new TextEncoder().encode(request.key);
  const head = Buffer.alloc(13);
  head.writeUInt8(ops.indexOf(request.op), 0);
  head.writeUInt32LE(number, 1);
  head.writeUInt32LE(request.op === "get" ? request.timeoutMs : 0, 5);
  head.writeUInt32LE(key.length, 9);
  return [head, key, request.op === "put" ? request.value : new Uint8Array()];
}

/** The same read. @throws RangeError where the bytes are no request. */
export function decodeRequest(frame: Buffer): { readonly number: number; readonly request: StoreRequest } {
  const op = ops[frame.readUInt8(0)];
  const number = frame.readUInt32LE(1);
  const end = 13 + frame.readUInt32LE(9);
  if (op === undefined || end > frame.length) throw new RangeError("no request");
  const key = frame.toString("utf8", 13, end);
  if (op === "put") return { number, request: { op, key, value: Uint8Array.from(frame.subarray(end)) } };
  return { number, request: { op, key, timeoutMs: frame.readUInt32LE(5) } };
}

/** A reply as bytes: the number of its request, its status, then the value or the number of the lost node. */
export function encodeReply(number: number, reply: StoreReply): readonly Uint8Array[] {
  const head = Buffer.alloc(9);
  head.writeUInt32LE(number, 0);
  head.writeUInt8(statuses.indexOf(reply.status), 4);
  head.writeUInt32LE(reply.status === "lost" ? reply.node : 0, 5);
  return [head, reply.status === "found" ? reply.value : new Uint8Array()];
}

/** The same read. @throws RangeError where the bytes are no reply. */
export function decodeReply(frame: Buffer): { readonly number: number; readonly reply: StoreReply } {
  const number = frame.readUInt32LE(0);
  const status = statuses[frame.readUInt8(4)];
  if (status === undefined) throw new RangeError("no reply");
  if (status === "found") return { number, reply: { status, value: Uint8Array.from(frame.subarray(9)) } };
  return { number, reply: status === "lost" ? { status, node: frame.readUInt32LE(5) } : { status } };
}
