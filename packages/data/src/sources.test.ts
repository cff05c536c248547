import { rm, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { type Cursor, type IDataSource, PipeError, type SourceDocument } from "@pipe/core";
import { dataSourceContract } from "@pipe/core/testing";
import { describe, expect, it } from "vitest";
import { folderOf } from "./folder-of.test.fixture.ts";
import { JsonlDataSource } from "./jsonl-data-source.ts";
import { MarkdownDataSource } from "./markdown-data-source.ts";
import { sourceRoot } from "./source-files.ts";
import { TextDataSource } from "./text-data-source.ts";

async function all(source: IDataSource, from?: Cursor): Promise<SourceDocument[]> {
  const documents: SourceDocument[] = [];
  for await (const document of source.documents(from)) documents.push(document);
  return documents;
}

async function failure(action: () => Promise<unknown>): Promise<PipeError> {
  const error = await action().then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  if (!PipeError.is(error)) throw new Error(`expected a PipeError, got ${String(error)}`);
  return error;
}

const texts = await folderOf({
  "b.txt": "second",
  "a/z.TXT": "\uFEFFfirst\n",
  "a/skipped.md": "#",
  "c.text": "",
  "d.txt": "é",
});
const separated = await folderOf({
  "x.txt": "\uFEFFone\ntwo\n<|endoftext|>\r\nthree\n<|endoftext|>\n<|endoftext|>\nfour",
  "y.txt": "five\n<|endoftext|>\n",
});
const lines = await folderOf({
  "one.jsonl": '\uFEFF{"text":"a","name":"n1"}\n\n{"text":"b \\ud800 ü","name":7}\r\n',
  "two.jsonl": `{"text":"${"long ".repeat(400_000)}","name":"n3"}`,
});
const notes = await folderOf({
  "guide/b.md": "---\ntitle: b\n---\n# b",
  "guide/a.mdx": "# a",
  "Z.markdown": "z",
  "node_modules/x/README.md": "not ours",
  "n.txt": "no",
});

describe("TextDataSource", () => {
  describe("whole files", () =>
    dataSourceContract(() => new TextDataSource({ path: texts }), { describe, it, expect }));
  describe("separated", () =>
    dataSourceContract(() => new TextDataSource({ path: separated, separator: "<|endoftext|>" }), {
      describe,
      it,
      expect,
    }));

  it("reads each file as one document, sorted by path, without byte order mark", async () => {
    const documents = await all(new TextDataSource({ path: texts }));
    expect(documents.map(({ id, path, text }) => [id, path, text])).toEqual([
      ["a/z.TXT", "a/z.TXT", "first\n"],
      ["b.txt", "b.txt", "second"],
      ["c.text", "c.text", ""],
      ["d.txt", "d.txt", "é"],
    ]);
  });

  it("reads one file whatever its name", async () => {
    const documents = await all(new TextDataSource({ path: join(texts, "a/skipped.md") }));
    expect(documents).toEqual([
      {
        id: "skipped.md",
        path: "skipped.md",
        text: "#",
        metadata: { bytes: 1 },
        cursor: { file: "skipped.md", offset: 1, line: 1 },
      },
    ]);
  });

  it("reads what a glob matches, relative to the glob's fixed part", async () => {
    expect((await all(new TextDataSource({ path: join(texts, "a/*") }))).map(({ id }) => id)).toEqual([
      "skipped.md",
      "z.TXT",
    ]);
    expect((await all(new TextDataSource({ path: join(texts, "{a,b}*") }))).map(({ id }) => id)).toEqual(["b.txt"]);
  });

  it("says to what folder the paths of its documents are relative", async () => {
    const folder = await folderOf({ "one.txt": "one" });
    expect(await sourceRoot(folder)).toBe(folder);
    expect(await sourceRoot(join(folder, "one.txt"))).toBe(folder);
    expect(await sourceRoot(`${folder}/**/*.txt`)).toBe(folder);
    expect(await sourceRoot(join(folder, "gone"))).toBe(join(folder, "gone"));
  });

  it("splits files at separator lines and keeps line ends", async () => {
    const documents = await all(new TextDataSource({ path: separated, separator: "<|endoftext|>" }));
    expect(documents.map(({ id, text }) => [id, text])).toEqual([
      ["x.txt:1", "one\ntwo\n"],
      ["x.txt:4", "three\n"],
      ["x.txt:6", ""],
      ["x.txt:7", "four"],
      ["y.txt:1", "five\n"],
    ]);
  });

  it("takes a separator without the white space at its end, and refuses one that no line can be", async () => {
    const of = async (separator: string) =>
      (await all(new TextDataSource({ path: spaced, separator }))).map(({ text }) => text);
    const spaced = await folderOf({ "x.txt": "one\n---\ntwo\n\nthree\n" });
    expect(await of("---\n")).toEqual(["one\n", "two\n\nthree\n"]);
    expect(await of("\n")).toEqual(["one\n---\ntwo\n", "three\n"]);
    expect(() => new TextDataSource({ path: spaced, separator: "\n---" })).toThrow(/separator-invalid|is one line/);
  });

  it("follows a link into its own folder without end neither in time nor in documents", async () => {
    const folder = await folderOf({ "a.txt": "a" });
    await symlink(folder, join(folder, "again"));
    expect((await all(new TextDataSource({ path: folder })))[0]).toMatchObject({ id: "a.txt" });
  });

  it("changes its fingerprint with content, name and separator only", async () => {
    const make = (files: { [path: string]: string }, separator?: string) =>
      folderOf(files).then((path) =>
        new TextDataSource({ path, ...(separator === undefined ? {} : { separator }) }).describe(),
      );
    const base = await make({ "a.txt": "same" });
    expect(base).toMatchObject({ kind: "text", files: 1, bytes: 4 });
    expect((await make({ "a.txt": "same", "b.md": "other" })).fingerprint).toBe(base.fingerprint);
    for (const other of [make({ "a.txt": "sane" }), make({ "b.txt": "same" }), make({ "a.txt": "same" }, "--")]) {
      expect((await other).fingerprint).not.toBe(base.fingerprint);
    }
  });

  it("says which path is missing", async () => {
    const error = await failure(() => all(new TextDataSource({ path: join(texts, "nothing") })));
    expect(error.code).toBe("source-missing");
    expect(error.message).toContain(join(texts, "nothing"));
  });

  it("says that no file fits, in a folder and for a glob", async () => {
    const folder = await folderOf({ "a.csv": "1" });
    const error = await failure(() => all(new TextDataSource({ path: folder })));
    expect(error.code).toBe("source-empty");
    expect(error.message).toContain("*.txt, *.text");
    expect((await failure(() => new TextDataSource({ path: `${folder}/*.x` }).describe())).code).toBe("source-empty");
  });

  it("names file and byte of invalid UTF-8, in whole files and in lines", async () => {
    const folder = await folderOf({
      "bad.txt": Buffer.concat([Buffer.from("ok é 日 👩\n--\nab"), Buffer.from([0xe9, 0x20])]),
    });
    for (const separator of [{}, { separator: "--" }]) {
      const error = await failure(() => all(new TextDataSource({ path: folder, ...separator })));
      expect(error.code).toBe("invalid-utf8");
      expect(error.message).toContain(`${join(folder, "bad.txt")}, byte 20`);
      expect(error.message).toContain("byte 0xe9");
    }
  });

  it("refuses a cursor of something else", async () => {
    for (const cursor of [3, null, { file: "a" }, { file: "a", offset: -0.5, line: 1 }]) {
      expect((await failure(() => all(new TextDataSource({ path: texts }), cursor))).code).toBe("cursor-invalid");
    }
  });
});

describe("JsonlDataSource", () => {
  dataSourceContract(() => new JsonlDataSource({ path: lines }), { describe, it, expect });

  it("reads one document a line, long lines too, and replaces lone surrogates", async () => {
    const documents = await all(new JsonlDataSource({ path: lines }));
    expect(documents.map(({ id, text }) => [id, text.length])).toEqual([
      ["one.jsonl:1", 1],
      ["one.jsonl:3", 5],
      ["two.jsonl:1", 2_000_000],
    ]);
    expect(documents[1]!.text).toBe("b \uFFFD ü");
  });

  it("takes text and id from the fields named", async () => {
    const documents = await all(new JsonlDataSource({ path: join(lines, "one.jsonl"), idField: "name" }));
    expect(documents.map(({ id }) => id)).toEqual(["n1", "7"]);
    const swapped = new JsonlDataSource({ path: join(lines, "two.jsonl"), field: "name" });
    expect((await all(swapped))[0]!.text).toBe("n3");
  });

  it.each([
    ['{"text":"a"}\n{"text": oops}\n', {}, "line-invalid", ":2"],
    ['{"text":"a"}\n\n[1]\n', {}, "line-invalid", ":3"],
    ["3", {}, "line-invalid", ":1"],
    ['{"body":"a","title":1}', {}, "field-missing", '"body", "title"'],
    ["{}", {}, "field-missing", "(none)"],
    ['{"text":5}', {}, "field-missing", "of another type"],
    ['{"text":"a"}', { idField: "id" }, "field-missing", '"id"'],
  ])("says what is wrong with %j", async (content, options, code, part) => {
    const path = join(await folderOf({ "f.jsonl": content }), "f.jsonl");
    const error = await failure(() => all(new JsonlDataSource({ path, ...options })));
    expect(error.code).toBe(code);
    expect(error.message).toContain(part);
    expect(error.message).toContain(path);
  });
});

describe("MarkdownDataSource", () => {
  it("leaves out files that cannot be read, where somebody is told, and does not follow folders that are links", async () => {
    const outside = await folderOf({ "secret.md": "secret" });
    const folder = await folderOf({ "a.md": "alpha", "b.md": "beta", "in/c.md": "gamma" });
    await writeFile(join(folder, "b.md"), Buffer.from([0xff]));
    await symlink(outside, join(folder, "out"));
    await symlink(join(folder, "in"), join(folder, "again"));
    await symlink(join(outside, "secret.md"), join(folder, "linked.md"));
    const told: string[] = [];
    const source = new MarkdownDataSource({
      path: folder,
      onUnreadable: (path, error) => told.push(path, String(error)),
    });
    expect((await all(source)).map(({ id }) => id)).toEqual(["a.md", "in/c.md", "linked.md"]);
    expect(told).toEqual(["b.md", expect.stringContaining("not valid UTF-8")]);
    expect((await failure(() => all(new MarkdownDataSource({ path: folder })))).code).toBe("invalid-utf8");
  });

  dataSourceContract(() => new MarkdownDataSource({ path: notes }), { describe, it, expect });

  it("reads what is left of a folder from which others are removed meanwhile", async () => {
    const names = Array.from({ length: 200 }, (_, n) => `${100 + n}/a.md`);
    for (let wait = 2; wait <= 8; wait += 2) {
      const folder = await folderOf(Object.fromEntries(names.map((name) => [name, "text"])));
      const gone: string[] = [];
      const source = new MarkdownDataSource({ path: folder, onUnreadable: (path) => gone.push(path) });
      const reading = all(source);
      await pause(wait);
      await rm(join(folder, "299"), { recursive: true });
      const read = (await reading).map(({ path }) => path);
      expect(read.slice(0, 199)).toEqual(names.slice(0, 199));
      expect([names, names.slice(0, 199)]).toContainEqual([...read, ...gone]);
    }
  });

  it("reads markdown files with their paths, front matter and all", async () => {
    const documents = await all(new MarkdownDataSource({ path: notes }));
    expect(documents.map(({ path, text }) => [path, text])).toEqual([
      ["Z.markdown", "z"],
      ["guide/a.mdx", "# a"],
      ["guide/b.md", "---\ntitle: b\n---\n# b"],
    ]);
  });
});
