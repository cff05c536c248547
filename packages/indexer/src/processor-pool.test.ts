import type { SourceDocument } from "@pipe/core";
import { describe, expect, it } from "vitest";
import { DocumentProcessor } from "./document-processor.ts";
import { MarkdownParser } from "./markdown-parser.ts";
import { createProcessorHost } from "./processor-host.ts";
import { ProcessorPool, type ProcessorPoolOptions } from "./processor-pool.ts";
import { createStrategy } from "./strategies.ts";
import { torture } from "./torture.test.fixture.ts";

const documentOf = (text: string, id = "a.md"): SourceDocument => ({ id, path: id, text, cursor: null });

async function withPool(options: ProcessorPoolOptions, body: (pool: ProcessorPool) => Promise<void>): Promise<void> {
  const pool = new ProcessorPool(options);
  try {
    await body(pool);
  } finally {
    await pool[Symbol.asyncDispose]();
  }
}

describe("ProcessorPool", () => {
  it("gives what the processor gives in this thread, from as many threads as many documents are worth", () =>
    withPool({ strategy: { kind: "section", tokens: 40 }, threads: 2 }, async (pool) => {
      const strategy = createStrategy({ kind: "section", tokens: 40 });
      const here = new DocumentProcessor({ parser: new MarkdownParser(), strategy });
      const documents = Array.from({ length: 24 }, (_, i) => documentOf(`# ${i}\n\n${torture}`, `${i}.md`));
      const there = await Promise.all(documents.map((document) => pool.process(document)));
      expect(there).toEqual(documents.map((document) => here.process(document)));
    }));

  it("stops a document that takes too long, and goes on with the next", () =>
    withPool({ strategy: { kind: "section" }, timeLimit: 400 }, async (pool) => {
      // Time grows with the square of the depth and more.
      const deep = Array.from({ length: 1500 }, (_, i) => `${"  ".repeat(i)}- x\n`).join("");
      await expect(pool.process(documentOf(deep))).rejects.toMatchObject({
        code: "document-timeout",
        message: expect.stringContaining("a.md"),
      });
      expect((await pool.process(documentOf("# T\n"))).title).toBe("T");
    }));

  it("says what is wrong with a document or with its settings", async () => {
    await withPool({ strategy: { kind: "document" }, parser: { maxLength: 3 } }, async (pool) => {
      await expect(pool.process(documentOf("too long"))).rejects.toMatchObject({ code: "document-too-large" });
      expect((await pool.process(documentOf("ok"))).chunks).toHaveLength(1);
    });
    expect(() => new ProcessorPool({ strategy: { kind: "section", tokens: 0 } })).toThrow("positive number");
    await withPool({ strategy: { kind: "sentence" } }, async (pool) => {
      await expect(pool.process({ ...documentOf(""), text: undefined as never })).rejects.toMatchObject({
        code: "document-unreadable",
        message: expect.stringContaining("a.md"),
      });
    });
  });

  it("reports a thread that was stopped from outside", async () => {
    const pool = new ProcessorPool({ strategy: { kind: "section" } });
    const pending = pool.process(documentOf("> - ".repeat(1_000))).catch((error: unknown) => error);
    await pool[Symbol.asyncDispose]();
    expect(await pending).toMatchObject({ code: "document-unreadable" });
  });
});

describe("createProcessorHost", () => {
  it("processes in this thread too", () => {
    const host = createProcessorHost();
    host.open({ strategy: { kind: "sentence" }, parser: { maxLength: 20 } });
    expect(host.outline(documentOf("One. Two."))).toMatchObject({ chunks: [{ begin: 0, end: 9, line: 1 }] });
    expect(() => host.outline(documentOf("x".repeat(21)))).toThrow("20");
  });
});

describe("createStrategy", () => {
  it.each(["section", "window", "sentence"] as const)("makes %s with its size", (kind) => {
    expect(createStrategy({ kind, tokens: 32 }).id).toMatch(new RegExp(`^${kind}-\\d:32`));
  });

  it("refuses a kind that there is none of", () => {
    expect(createStrategy({ kind: "document" }).id).toBe("document-1");
    expect(() => createStrategy({ kind: "paragraph" } as never)).toThrow("section, window, sentence or document");
  });
});
