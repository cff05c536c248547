import type { ITokenizer } from "@pipe/core";
import type { GptEncoding } from "./gpt-encodings.ts";
import { createGptTokenizer } from "./gpt-tokenizer.ts";

/** What an encoding thread is asked. */
type EncodingRequest = { readonly encoding: GptEncoding; readonly texts: readonly string[] };

/** The ids of all texts one behind the other, and how many belong to each. */
export type EncodingReply = { readonly ids: Uint32Array<ArrayBuffer>; readonly lengths: Uint32Array<ArrayBuffer> };

/** Both ends of a thread's channel that a host needs; a worker's `parentPort` and a `MessagePort` fit. */
export type EncodingPort = {
  on(event: "message", listener: (request: EncodingRequest) => void): unknown;
  postMessage(reply: EncodingReply, transfer: readonly ArrayBuffer[]): void;
};

/** Encodes what comes from a port, one request after the other. */
export function serveEncoding(port: EncodingPort): void {
  let tokenizer: Promise<ITokenizer> | undefined;
  const answer = async ({ encoding, texts }: EncodingRequest): Promise<void> => {
    const { encode } = await (tokenizer ??= createGptTokenizer(encoding));
    const all = texts.map((text) => encode(text));
    const lengths = Uint32Array.from(all, ({ length }) => length);
    const ids = new Uint32Array(lengths.reduce((sum, length) => sum + length, 0));
    let at = 0;
    for (const each of all) {
      ids.set(each, at);
      at += each.length;
    }
    port.postMessage({ ids, lengths }, [ids.buffer, lengths.buffer]);
  };
  port.on("message", (request) => void answer(request));
}
