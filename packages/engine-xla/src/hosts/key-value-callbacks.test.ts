import { setTimeout as pause } from "node:timers/promises";
import koffi from "koffi";
import { PipeError } from "@pipe/core";
import { afterEach, describe, expect, it } from "vitest";
import { enlargeStacks } from "../pjrt/koffi-stacks.ts";
import { functionAt, memoryAt, pinnedText, pinnedWords } from "../pjrt/native.ts";
import { type Ask, type CallbackName, registerCallback, unregisterCallback } from "./key-value-callbacks.ts";
import { joinNodes, type KeyValueHost } from "./key-value-host.ts";
import { startStore } from "./store-server.ts";

/** What a plug-in does with a callback, in C's memory: fills the struct, calls the function, reads what it wrote. */
function plugin() {
  enlargeStacks();
  const errors: { code: number; message: string }[] = [];
  const error = koffi.proto("void *test_error(int code, const char *message, size_t size)");
  const makeError = koffi.register((code: number, message: string) => {
    errors.push({ code, message });
    return 1n;
  }, koffi.pointer(error));
  const place = pinnedWords([makeError]);
  const freeAt = koffi.proto("void test_free(void *memory)");
  const structOf = (name: CallbackName, key: string, value: string, timeoutMs: number) => {
    const text = pinnedText(key);
    const given = pinnedText(value);
    const words =
      name === "get"
        ? [80, 0, text.bytes, text.length, timeoutMs, place, 0, 0, 0, 0]
        : name === "put"
          ? [64, 0, text.bytes, text.length, given.bytes, given.length, place, 0]
          : [72, 0, text.bytes, text.length, place, 0, 0, 0, 0];
    return pinnedWords(words);
  };
  const read = (name: CallbackName, words: BigUint64Array): string => {
    const at = name === "get" ? 7 : 6;
    const address = words[at]!;
    const text = new TextDecoder().decode(memoryAt(address, Number(words[at + 1]!)).slice());
    (koffi.decode(words[at + 2]!, freeAt) as (address: bigint) => void)(address);
    return text;
  };
  return { errors, structOf, read, makeError };
}

const { errors, structOf, read } = plugin();
afterEach(() => errors.splice(0));

describe("key-value callbacks, called through C", () => {
  const called = (name: CallbackName, ask: Ask, longest?: number) => {
    const address = registerCallback(name, ask, longest);
    const words = structOf(name, "schlüssel", "wert", 1_000_000);
    const result = functionAt(address)(words);
    unregisterCallback(address);
    return { words, failed: result !== null && result !== 0n };
  };

  it("hand keys and values over, and values back in memory that C frees", () => {
    const asked: unknown[] = [];
    const value = new TextEncoder().encode("was ein anderer sagt");
    const ask: Ask = (request) => {
      asked.push(request.op === "put" ? [request.key, new TextDecoder().decode(request.value)] : request);
      return request.op === "put" ? { status: "stored" } : { status: "found", value };
    };
    expect(called("put", ask).failed).toBe(false);
    for (const name of ["get", "tryGet"] as const) {
      const { failed, words } = called(name, ask, 1000);
      expect([failed, read(name, words)]).toEqual([false, "was ein anderer sagt"]);
    }
    expect(asked).toEqual([
      ["schlüssel", "wert"],
      // Own limits hold where the plug-in would wait for longer.
      { op: "get", key: "schlüssel", timeoutMs: 1000 },
      { op: "get", key: "schlüssel", timeoutMs: 0 },
    ]);
    expect(errors).toEqual([]);
  });

  it("say by PJRT's codes what was not there, what is lost, and what was thrown", () => {
    expect(called("get", () => ({ status: "absent" }), 10).failed).toBe(true);
    expect(called("tryGet", () => ({ status: "absent" })).failed).toBe(true);
    const lost: Ask = () => {
      throw new PipeError("peer-lost", "The process of node 3 is gone.");
    };
    expect(called("get", lost).failed).toBe(true);
    const broken: Ask = () => {
      throw new Error("broken");
    };
    expect(called("put", broken).failed).toBe(true);
    expect(errors).toEqual([
      { code: 4, message: "no host has said schlüssel within 10 ms" },
      { code: 5, message: "no host has said schlüssel" },
      { code: 14, message: "The process of node 3 is gone." },
      { code: 13, message: "broken" },
    ]);
  });
});

describe("joinNodes", () => {
  const secret = "a secret of the nodes";
  /** Calls on a thread of C's, as a plug-in does, while this one goes on. */
  const call = (name: CallbackName, { callbacks }: KeyValueHost, words: BigUint64Array): Promise<boolean> =>
    new Promise((resolve, reject) => {
      functionAt(callbacks[name]).async(words, (error, result) =>
        error === null || error === undefined ? resolve(result === null || result === 0n) : reject(error as Error),
      );
    });

  it("lets the callbacks of two nodes meet, one blocking while another puts", async () => {
    const probe = await startStore({ host: "127.0.0.1", port: 0, secret });
    const { port } = probe;
    probe.close();
    const address = { host: "127.0.0.1", port, secret };
    const [second, first] = await Promise.all([joinNodes(address, 1), pause(50).then(() => joinNodes(address, 0))]);
    const waiting = structOf("get", "topology", "", 60_000);
    const found = call("get", second, waiting);
    const absent = structOf("tryGet", "other", "", 0);
    // A function that makes errors belongs to this thread, which is free.
    expect(await call("tryGet", second, absent)).toBe(false);
    expect(await call("put", first, structOf("put", "topology", "zwei Karten", 0))).toBe(true);
    expect([await found, errors.slice(1)]).toEqual([true, []]);
    expect(read("get", waiting)).toBe("zwei Karten");
    // In one process, one waits for what the other puts.
    const own = structOf("get", "clique", "", 60_000);
    const both = call("get", first, own);
    await pause(20);
    expect(await call("put", first, structOf("put", "clique", "42", 0))).toBe(true);
    expect([await both, errors.slice(1)]).toEqual([true, []]);
    expect(read("get", own)).toBe("42");
    await second.close();
    await first.close();
  });

  it("says what is wrong with node 0 or the secret", async () => {
    const store = await startStore({ host: "127.0.0.1", port: 0, secret });
    const address = { host: "127.0.0.1", port: store.port, secret };
    await expect(joinNodes({ ...address, secret: "a guess" }, 1)).rejects.toMatchObject({ code: "store-refused" });
    await expect(joinNodes(address, 0)).rejects.toMatchObject({ code: "store-failed" });
    store.close();
    await expect(joinNodes(address, 1, 150)).rejects.toMatchObject({
      code: "store-missing",
      fix: expect.stringContaining("start node 0"),
    });
  });
});
