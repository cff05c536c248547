import { messageOf, PipeError } from "@pipe/core";
import koffi from "koffi";
import { allocate } from "../pjrt/c-library.ts";
import { enlargeStacks } from "../pjrt/koffi-stacks.ts";
import { memoryAt, textAt } from "../pjrt/native.ts";
import type { StoreReply, StoreRequest } from "./store-messages.ts";

/** Asks the store and blocks. */
export type Ask = (request: StoreRequest) => StoreReply;

/** The callbacks by which a PJRT client reaches the other hosts. */
export type CallbackName = "get" | "put" | "tryGet";

/** `PJRT_Error_Code`. */
const CODE = { deadline: 4, notFound: 5, internal: 13, unavailable: 14 } as const;

/** Bytes of each argument struct, and where its `callback_error` and its `value` stand. */
const layouts = {
  get: { bytes: 80, error: 40, value: 56 },
  put: { bytes: 64, error: 48, value: 32 },
  tryGet: { bytes: 72, error: 32, value: 48 },
} as const;
const KEY = 16;
const TIMEOUT = 32;

/** A plug-in asks for minutes; a node that is not there by then does not come. Milliseconds. */
const LONGEST_WAIT = 120_000;

type Type = ReturnType<typeof koffi.proto>;
let types: { readonly callback: Type; readonly error: Type } | undefined;

/**
 * Registers a C function that answers a plug-in's question with the store's. It runs on the thread that registers it, which must
 * do nothing else: it blocks there. No exception leaves it, as that would end the process: what is thrown is returned as
 * an error of PJRT. The address holds until {@link unregisterCallback}.
 */
export function registerCallback(name: CallbackName, ask: Ask, longestWait = LONGEST_WAIT): bigint {
  enlargeStacks();
  types ??= {
    callback: koffi.proto("void *pipe_key_value_callback(void *arguments)"),
    error: koffi.proto("void *pipe_callback_error(int code, const char *message, size_t size)"),
  };
  const { bytes, error, value } = layouts[name];
  return koffi.register((address: bigint): bigint | null => {
    const view = new DataView(memoryAt(address, bytes).buffer);
    const fail = (code: number, message: string): bigint => {
      // A pointer to the pointer of the function that makes an error.
      const make = new DataView(memoryAt(view.getBigUint64(error, true), 8).buffer).getBigUint64(0, true);
      const call = koffi.decode(make, types!.error) as (code: number, message: string, size: number) => bigint;
      return call(code, message, Buffer.byteLength(message));
    };
    try {
      const key = textAt(view.getBigUint64(KEY, true), view.getBigUint64(KEY + 8, true));
      if (name === "put") {
        const given = memoryAt(view.getBigUint64(value, true), Number(view.getBigUint64(value + 8, true)));
        ask({ op: "put", key, value: given.slice() });
        return null;
      }
      const timeoutMs = name === "get" ? Math.min(view.getInt32(TIMEOUT, true), longestWait) : 0;
      const reply = ask({ op: "get", key, timeoutMs });
      if (reply.status === "found") {
        writeValue(view, value, reply.value);
        return null;
      }
      return name === "get"
        ? fail(CODE.deadline, `no host has said ${key} within ${timeoutMs} ms`)
        : fail(CODE.notFound, `no host has said ${key}`);
    } catch (thrown) {
      return fail(PipeError.is(thrown, "peer-lost") ? CODE.unavailable : CODE.internal, messageOf(thrown));
    }
  }, koffi.pointer(types.callback));
}

/** Ends a callback; nothing may call it any more. */
export function unregisterCallback(address: bigint): void {
  koffi.unregister(address);
}

/** Gives a value away in memory of the C library's, which the plug-in frees with the function beside it. */
function writeValue(view: DataView, at: number, value: Uint8Array): void {
  const { address, free } = allocate(value.length);
  memoryAt(address, value.length).set(value);
  view.setBigUint64(at, address, true);
  view.setBigUint64(at + 8, BigInt(value.length), true);
  view.setBigUint64(at + 16, free, true);
}
