import { join } from "node:path";
import { createComponent, type IDataSource, type ITokenizer, type Services } from "@pipe/core";
import { expect, it } from "vitest";
import { definitions } from "./definitions.ts";
import { folderOf } from "./folder-of.test.fixture.ts";

async function make<T>(config: { kind: string; [key: string]: unknown }, services?: Services): Promise<T> {
  const { port } = definitions.find(({ kind }) => kind === config.kind)!;
  return (await createComponent(definitions, port, config, services)) as T;
}

it("makes the sources", async () => {
  const folder = await folderOf({ "a.txt": "x\n--\ny", "b.jsonl": '{"body":"z","key":"k"}', "c.md": "# c" });
  const first = async (config: { kind: string; [key: string]: unknown }) => {
    for await (const { id, text } of (await make<IDataSource>(config)).documents()) return [id, text];
    return undefined;
  };
  expect(await first({ kind: "text", path: folder })).toEqual(["a.txt", "x\n--\ny"]);
  expect(await first({ kind: "text", path: folder, separator: "--" })).toEqual(["a.txt:1", "x\n"]);
  expect(await first({ kind: "jsonl", path: folder, field: "body" })).toEqual(["b.jsonl:1", "z"]);
  expect(await first({ kind: "jsonl", path: folder, field: "body", idField: "key" })).toEqual(["k", "z"]);
  expect(await first({ kind: "markdown", path: folder })).toEqual(["c.md", "# c"]);
});

it("makes the tokenizers; char learns from the source of the run", async () => {
  expect((await make<ITokenizer>({ kind: "byte" })).id).toBe("byte");
  expect((await make<ITokenizer>({ kind: "gpt" })).id).toBe("gpt:r50k_base");
  expect((await make<ITokenizer>({ kind: "char", characters: "abc" })).vocabulary).toBe(3);
  const path = join(await folderOf({ "a.txt": "hello" }), "a.txt");
  const source = await make<IDataSource>({ kind: "text", path });
  const services: Services = { has: () => true, get: async <T>() => source as T };
  expect((await make<ITokenizer>({ kind: "char" }, services)).vocabulary).toBe(4);
});

it("refuses unknown keys and describes every field", () => {
  for (const { schema, kind } of definitions)
    expect(schema.safeParse({ kind, path: "x", unknown: 1 }).success).toBe(false);
});
