import { once } from "node:events";
import { readFile, readdir } from "node:fs/promises";
import { join } from "node:path";
import { MessageChannel } from "node:worker_threads";
import { PipeError, Random } from "@pipe/core";
import { describe, expect, it } from "vitest";
import { DatasetBuilder } from "./dataset-builder.ts";
import { encodeInOrder } from "./encode-in-order.ts";
import { type EncodingPort, type EncodingReply, serveEncoding } from "./encoding-host.ts";
import { EncodingPool } from "./encoding-pool.ts";
import { folderOf } from "./folder-of.test.fixture.ts";
import { createGptTokenizer } from "./gpt-tokenizer.ts";
import { JsonlDataSource } from "./jsonl-data-source.ts";
import { TokenProcessor } from "./token-processor.ts";

const tokenizer = await createGptTokenizer("r50k_base");
const words = ["the ", "pipe, ", "learns ", "ein Über", "maß\n", "12 ", "👩‍🚀 ", "don't "];

function texts(count: number, length: number): readonly string[] {
  const random = new Random(count);
  return Array.from({ length: count }, () =>
    Array.from({ length: random.integer(length) }, () => words[random.integer(words.length)]!).join(""),
  );
}

async function* stream(all: readonly string[]): AsyncGenerator<{ readonly text: string }> {
  for (const text of all) yield { text };
}

describe("a thread that encodes", () => {
  it("gives back the ids of all texts, and how many are whose", async () => {
    const { port1, port2 } = new MessageChannel();
    serveEncoding(port2 as unknown as EncodingPort);
    const all = ["one two", "", "three"];
    for (let round = 0; round < 2; round++) {
      port1.postMessage({ encoding: "r50k_base", texts: all });
      const [{ ids, lengths }] = (await once(port1, "message")) as [EncodingReply];
      expect([...ids]).toEqual(all.flatMap((text) => [...tokenizer.encode(text)]));
      expect([...lengths]).toEqual(all.map((text) => tokenizer.encode(text).length));
    }
    port1.close();
  });
});

describe("encodeInOrder", () => {
  it("gives each item the ids of its text in the order of the items, though later ones may be ready first", async () => {
    const all = [...texts(40, 3000), "", "a b ".repeat(200_000), ...texts(5, 3)];
    let running = 0;
    let most = 0;
    const random = new Random(3);
    const encode = async (parts: readonly string[]) => {
      most = Math.max(most, ++running);
      await new Promise((resolve) => setTimeout(resolve, random.integer(8)));
      running--;
      return parts.map((part) => tokenizer.encode(part));
    };
    let i = 0;
    for await (const [item, ids] of encodeInOrder(stream(all), { threads: 2, encode })) {
      expect(item.text).toBe(all[i++]);
      expect(ids).toEqual(tokenizer.encode(item.text));
    }
    expect([i, most > 1]).toEqual([all.length, true]);
  });

  it("tells an error when the turn comes to what failed, and no other call's is lost", async () => {
    let calls = 0;
    const encode = async (parts: readonly string[]) => {
      if (++calls > 1) throw new Error(`call ${calls}`);
      return parts.map((part) => tokenizer.encode(part));
    };
    const encoded: string[] = [];
    const all = ["first ", "second ", "third "].map((text) => text.repeat(40_000));
    const read = async () => {
      for await (const [{ text }] of encodeInOrder(stream(all), { threads: 4, encode })) encoded.push(text.slice(0, 5));
    };
    await expect(read()).rejects.toThrow("call 2");
    expect(encoded).toEqual(["first"]);
  });
});

describe("EncodingPool", () => {
  it("encodes in threads, more calls than there are threads", async () => {
    const pool = new EncodingPool({ encoding: "r50k_base", threads: 2 });
    const calls = texts(6, 50).map((text) => [text, "x"]);
    const encoded = await Promise.all(calls.map((each) => pool.encode(each)));
    expect(encoded).toEqual(calls.map((each) => each.map((text) => tokenizer.encode(text))));
    await pool[Symbol.asyncDispose]();
  });

  it("says when a thread has ended", async () => {
    const pool = new EncodingPool({ encoding: "none" as "r50k_base", threads: 1 });
    const error = await pool.encode(["x"]).catch((thrown: unknown) => thrown);
    expect(PipeError.is(error, "tokenizer-failed")).toBe(true);
    expect(String(error)).toContain("There is no such GPT encoding.");
    await pool[Symbol.asyncDispose]();
  });
});

describe("tokens of a source", () => {
  it("are the same bytes from one thread and from several", async () => {
    const some = texts(60, 12_000).map((text) => JSON.stringify({ text }));
    const lines = Array.from({ length: 4 }, () => some).flat();
    const path = join(await folderOf({ "d.jsonl": lines.join("\n") }), "d.jsonl");
    const contents = async (threads: number) => {
      const folder = join(await folderOf({}), "set");
      const source = new JsonlDataSource({ path });
      const split = { by: "tail", fraction: 0.1 } as const;
      await new DatasetBuilder({ source, tokenizer, folder, split, threads }).build();
      const names = (await readdir(folder)).sort();
      return Promise.all(names.map(async (name) => [name, await readFile(join(folder, name), "base64")]));
    };
    expect(lines.join("").length).toBeGreaterThan(4_500_000); // threads begin at 4,000,000
    expect(await contents(3)).toEqual(await contents(1));
  });

  it("stop where the signal says so, and threads stop with them", async () => {
    const abort = new AbortController();
    const all = texts(300, 12_000);
    const encoded: string[] = [];
    const read = async () => {
      for await (const [{ text }] of new TokenProcessor({ tokenizer, threads: 2 }).encode(stream(all), abort)) {
        encoded.push(text);
        if (encoded.length === 250) abort.abort(new Error("enough"));
      }
    };
    await expect(read()).rejects.toThrow("enough");
    expect(encoded).toEqual(all.slice(0, 250));
  });

  it("need at least one thread", () => {
    expect(() => new TokenProcessor({ tokenizer, threads: 0 })).toThrow("at least one thread");
  });
});
