import { existsSync } from "node:fs";
import { mkdir, mkdtemp, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { StdioClientTransport } from "@modelcontextprotocol/sdk/client/stdio.js";
import { IndexManager } from "@pipe/indexer";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { run } from "../cli.ts";
import { IndexProgressLine } from "./progress-line.ts";

let folder: string;

/** Runs a command in the test's folder, where Ctrl-C is pressed at once or by what sees the output. */
async function pipe(args: readonly string[], press?: "at once" | ((text: string, interrupt: () => void) => void)) {
  const said = { out: "", err: "" };
  let listener = (): void => undefined;
  const sink = (key: "out" | "err") => ({
    write: (text: string) => {
      said[key] += text;
      if (typeof press === "function") press(text, () => listener());
    },
  });
  const code = await run(args, {
    stdout: sink("out"),
    stderr: sink("err"),
    env: {},
    cwd: folder,
    now: () => 1_000,
    onInterrupt: (given) => {
      listener = given;
      if (press === "at once") given();
      return { [Symbol.dispose]: () => (listener = () => undefined) };
    },
    exit: () => undefined,
  });
  return { code, ...said };
}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "pipe-index-command-"));
  await mkdir(join(folder, "docs/deep"), { recursive: true });
  await mkdir(join(folder, "outside"));
  await writeFile(join(folder, "docs/tea.md"), "---\ndraft: false\n---\n\n# Tea\n\nGreen tea is not fermented.\n");
  await writeFile(join(folder, "docs/deep/coffee.md"), "# Coffee\n\nCoffee is roasted.\n");
  await writeFile(join(folder, "docs/bad.md"), Buffer.from([0xff, 0xfe, 0x20]));
  await writeFile(join(folder, "outside/secret.md"), "# Secret\n\nNobody indexed this folder.\n");
  await symlink(join(folder, "outside"), join(folder, "docs/link"));
});

afterAll(() => rm(folder, { recursive: true, force: true }));

describe("pipe index", () => {
  it("passes over files that it cannot read, names them, and takes them in when they are mended", async () => {
    const first = await pipe(["index", "./docs", "--prune"]);
    expect([first.code, first.out]).toEqual([0, expect.stringMatching(/^2 documents indexed, 2 passages, 1 failed/)]);
    expect(first.err).toContain("not indexed: bad.md");
    expect((await pipe(["search", "nobody secret folder"])).out).toBe("nothing found\n");
    expect((await pipe(["index", "status"])).out).toMatch(
      /2 documents, 2 passages, 0 vectors[^]*default: 2 documents of .*docs\n {2}failed: bad\.md: .*UTF-8/,
    );
    expect((await pipe(["index", "retry"])).code).toBe(1);
    await writeFile(join(folder, "docs/bad.md"), "# Cocoa\n\nCocoa has beans too.\n");
    const mended = await pipe(["index", "retry"]);
    expect([mended.code, mended.out]).toEqual([0, "1 mended, 0 left\n"]);
    expect(JSON.parse((await pipe(["index", "retry", "--json"])).out)).toEqual({ mended: 0, failures: [] });
    expect((await pipe(["search", "cocoa"])).out).toMatch(/^1\. bad\.md:1/);
  });

  it("has nothing left to mend of a file that is gone", async () => {
    await mkdir(join(folder, "failing"));
    for (const name of ["a", "b"]) await writeFile(join(folder, `failing/${name}.md`), Buffer.from([0xff, 0xfe]));
    await writeFile(join(folder, "failing/c.md"), "# C\n\nsound\n");
    expect((await pipe(["index", "./failing", "--index", "failed"])).out).toContain("2 failed");
    await rm(join(folder, "failing/a.md"));
    expect(await pipe(["index", "retry", "--index", "failed"])).toMatchObject({ code: 1, out: "1 mended, 1 left\n" });
    await rm(join(folder, "failing/b.md"));
    await pipe(["index", "./failing", "--index", "failed", "--prune"]);
    const status = JSON.parse((await pipe(["index", "status", "--index", "failed", "--json"])).out) as object;
    expect(status).toMatchObject({ documents: 1, failures: [] });
  });

  it.each(["deep/coffee.md", "d{eep,}/*.md"])(
    "knows whether a file has changed that was named by %s",
    async (source) => {
      await mkdir(join(folder, "named/deep"), { recursive: true });
      await writeFile(join(folder, "named/deep/coffee.md"), "# Coffee\n\nCoffee is roasted.\n");
      await pipe(["index", join(folder, "named", source), "--index", "named-index"]);
      const found = async (): Promise<string> => (await pipe(["search", "roasted", "--index", "named-index"])).out;
      expect(await found()).not.toContain("its file has changed since");
      await writeFile(join(folder, "named/deep/coffee.md"), "# Coffee\n\nCoffee is ground.\n");
      expect(await found()).toContain("its file has changed since");
      await rm(join(folder, "named-index"), { recursive: true });
    },
  );

  it("finds with filters, explains, and says that a file has changed", async () => {
    const found = async (...args: string[]): Promise<string[]> =>
      (await pipe(["search", "is", "roasted", "--json"].filter((_, at) => at !== 1).concat(args))).out.split("\n");
    expect(JSON.parse((await found("--path", "deep/**"))[0]!)).toMatchObject({ path: "deep/coffee.md" });
    const filtered = await pipe(["search", "fermented roasted", "--field", "draft=false", "--json"]);
    expect(JSON.parse(filtered.out)).toMatchObject({ path: "tea.md", highlights: [expect.any(Array)] });
    expect((await pipe(["search", "roasted", "--field", "kind=note"])).out).toBe("nothing found\n");
    expect((await pipe(["search", "roasted", "--explain"])).out).toMatch(/\n {3}words \d\.\d+ \(roast \d\.\d+\)\n/);
    expect((await pipe(["search", "--like", "tea.md", "--limit", "1"])).code).toBe(0);
    expect((await pipe(["search", "x", "--field", "draft"])).code).toBe(2);
    await writeFile(join(folder, "docs/deep/coffee.md"), "# Coffee\n\nCoffee is ground.\n");
    expect((await pipe(["search", "roasted"])).out).toContain("its file has changed since");
    await pipe(["index", "./docs"]);
    expect((await pipe(["search", "roasted"])).out).toBe("nothing found\n");
  });

  it("warns before files of another folder take the place of those of a collection", async () => {
    for (const name of ["left", "right"]) {
      await mkdir(join(folder, name));
      await writeFile(join(folder, name, "readme.md"), `# ${name}\n\nthe ${name} one\n`);
    }
    const index = (name: string, ...more: string[]) => pipe(["index", `./${name}`, "--index", "mixed-up", ...more]);
    expect((await index("left")).err).toBe("");
    expect((await index("left")).err).toBe("");
    expect((await index("right", "--collection", "other")).err).toBe("");
    const mixed = await index("right");
    expect(mixed.err).toMatch(/^warning: the collection default was made of .*left, and files of equal paths take/);
    expect((await index("left", "--prune")).err).toContain("what comes from there is removed");
    await rm(join(folder, "left"), { recursive: true });
    expect((await index("right")).err).toBe("");
  });

  it("keeps collections apart", async () => {
    await pipe(["index", "./outside", "--collection", "private"]);
    expect((await pipe(["search", "secret", "--collection", "default"])).out).toBe("nothing found\n");
    expect((await pipe(["search", "secret", "--collection", "private"])).out).toContain("secret.md:1");
  });

  it("verifies, repairs, compacts, exports and imports", async () => {
    expect((await pipe(["index", "verify"])).out).toMatch(/is whole\n$/);
    expect(JSON.parse((await pipe(["index", "verify", "--json"])).out)).toEqual({ ok: true, problems: [] });
    expect((await pipe(["index", "compact"])).out).toMatch(/MB → .* MB\n/);
    expect((await pipe(["index", "export", "all.jsonl"])).out).toContain("4 documents in");
    expect((await pipe(["index", "export", "all.jsonl"])).code).toBe(1);
    expect((await pipe(["index", "export", "-"])).out).toBe(await readFile(join(folder, "all.jsonl"), "utf8"));
    expect((await pipe(["index", "import", "all.jsonl", "--index", "copy"])).out).toContain("4 documents in");
    expect((await pipe(["search", "fermented", "--index", "copy"])).out).toMatch(/^1\. tea\.md:5/);
    const path = join(folder, "copy/index.sqlite");
    const bytes = await readFile(path);
    await writeFile(path, bytes.fill(0x55, 4096, 12_288));
    const broken = await pipe(["index", "verify", "--index", "copy"]);
    expect([broken.code, broken.out + broken.err]).toEqual([1, expect.stringContaining("pipe index repair")]);
    expect((await pipe(["index", "repair", "--index", "copy"])).out).toContain("index.sqlite.damaged");
    expect((await pipe(["index", "verify", "--index", "copy"])).code).toBe(0);
  });

  it("warns of front matter that cannot be read", async () => {
    await mkdir(join(folder, "torn"));
    await writeFile(join(folder, "torn/a.md"), "---\ntags: [a\n---\n\nSome tea.\n");
    const { code, out, err } = await pipe(["index", "torn", "--words", "--index", "of-torn"]);
    expect([code, out, err]).toEqual([
      0,
      expect.stringContaining("1 document indexed"),
      expect.stringMatching(/^warning: a\.md: its front matter is no YAML, so its fields are left out: .+\n$/),
    ]);
  });

  it("searches for no collection that the index has not, and by no meaning without vectors", async () => {
    await pipe(["index", "./docs", "--index", "words"]);
    const inOther = await pipe(["search", "tea", "--index", "words", "--collection", "other"]);
    expect([inOther.code, inOther.err]).toEqual([2, expect.stringContaining('no collection "other": default.')]);
    const byMeaning = await pipe(["search", "tea", "--index", "words", "--mode", "vector"]);
    expect([byMeaning.code, byMeaning.err]).toEqual([1, expect.stringContaining("pipe index <folder> --run <run>")]);
    expect((await pipe(["search", "tea", "--index", "words", "--since", "yesterday"])).code).toBe(2);
    const engine = await pipe(["search", "tea", "--index", "words", "--engine", "cuda"]);
    expect([engine.code, engine.err]).toEqual([2, expect.stringContaining("--engine is one of onnx, xla, tfjs, auto")]);
  });

  it("makes no index of a folder that is not there, and takes no folder for a model that is none", async () => {
    const missing = await pipe(["index", "./gone", "--index", "never"]);
    expect([missing.code, missing.err]).toEqual([1, expect.stringContaining("There is nothing to index")]);
    const model = await pipe(["index", "./docs", "--index", "never", "--embedder", "docs"]);
    expect([model.code, model.err]).toEqual([1, expect.stringContaining("no sentence embedding model")]);
    const run = await pipe(["index", "./docs", "--index", "never", "--run", "none"]);
    expect([run.code, run.err]).toEqual([1, expect.stringMatching(/no run and no checkpoint[^]*got: no such folder/)]);
    expect(existsSync(join(folder, "never"))).toBe(false);
  });

  it("follows a folder until it is interrupted", async () => {
    let step = 0;
    const { code, out } = await pipe(["index", "./docs", "--watch", "--index", "watched"], (text, interrupt) => {
      if (text.startsWith("watching"))
        setTimeout(() => void writeFile(join(folder, "docs/new.md"), "# New\n\nfresh\n"), 50);
      if (text.includes("1 passage;") && step++ === 0) void rm(join(folder, "docs/new.md"));
      if (text.includes("1 removed")) interrupt();
    });
    expect([code, out]).toEqual([
      130,
      expect.stringMatching(
        /^3 documents indexed, 3 passages[^]*\n1 document indexed, 3 unchanged, 1 passage;[^]*\n0 documents indexed, 3 unchanged, 1 removed, 0 passages/,
      ),
    ]);
  });

  it("stops when it is interrupted, and goes on later", async () => {
    await mkdir(join(folder, "mixed"));
    for (let n = 0; n < 9; n++) await writeFile(join(folder, `mixed/${n}.md`), `# ${n}\n\ntext ${n}\n`);
    const { code, err } = await pipe(["index", "./mixed", "--index", "stopped"], "at once");
    expect([code, err]).toEqual([130, expect.stringContaining("the same command goes on from there")]);
    const status = JSON.parse((await pipe(["index", "status", "--index", "stopped", "--json"])).out) as object;
    expect(status).toMatchObject({ documents: 0, failures: [] });
    expect((await pipe(["index", "./mixed", "--index", "stopped"])).out).toContain("9 documents indexed, 9 passages");
  });

  it("says who else writes", async () => {
    const store = await IndexManager.open({ folder: join(folder, ".pipe/index"), worker: false });
    await store.writing("taking its time", async () => {
      const { code, err } = await pipe(["index", "./docs"]);
      expect([code, err]).toEqual([1, expect.stringContaining(`process ${process.pid}, taking its time`)]);
    });
    await store[Symbol.asyncDispose]();
  });

  it.each([
    [["index", "nope", "x"]],
    [["index"]],
    [["index", "serve"]],
    [["index", "export"]],
    [["index", "./docs", "--words", "--run", "x"]],
  ])("refuses %j", async (args) => expect((await pipe(args)).code).toBe(2));

  it("tells how long it may take", () => {
    const shown: string[] = [];
    const line = new IndexProgressLine({ isTTY: true, write: (text) => shown.push(text) });
    line.update({ documents: 3, chunks: 9, embedded: 0, pending: 0 });
    line[Symbol.dispose]();
    expect(shown).toEqual(["\r\u001b[K3 documents read, 9 passages new or changed", "\r\u001b[K"]);
    line.update({ documents: 3, chunks: 9, embedded: 10, pending: 5_000 });
    const now = performance.now();
    expect(line.text({ documents: 3, chunks: 9, embedded: 10, pending: 5_000 }, now)).toBe(
      "10 of 5010 passages embedded",
    );
    const later = (seconds: number, embedded: number): string =>
      line.text({ documents: 3, chunks: 9, embedded, pending: 5_010 - embedded }, now + 1000 * seconds);
    expect(later(10, 510)).toMatch(/^510 of 5010 passages embedded, about 2 min left$/);
    expect(later(10, 4_910)).toMatch(/about 1 s left$/);
    expect(later(100, 60)).toMatch(/about 2 h \d+ min left$/);
  });
});

describe("pipe index serve --mcp", () => {
  it("answers a client's tools over stdin and stdout", async () => {
    const client = new Client({ name: "test", version: "1" });
    await client.connect(
      new StdioClientTransport({
        command: process.execPath,
        args: ["--conditions=@pipe/source", join(import.meta.dirname, "../main.ts"), "index", "serve", "--mcp"],
        cwd: folder,
      }),
    );
    const call = async (name: string, args: object = {}): Promise<{ text: string; failed: boolean }> => {
      const { content, isError } = await client.callTool({ name, arguments: { ...args } });
      return { text: (content as { text: string }[])[0]!.text, failed: isError === true };
    };
    const { tools } = await client.listTools();
    expect(tools.map(({ name }) => name).toSorted()).toEqual(["get", "retrieve", "search", "status"]);
    const hits = JSON.parse((await call("search", { query: "fermented tea", limit: 1 })).text) as object[];
    expect(hits).toEqual([
      expect.objectContaining({ path: "tea.md", collection: "default", line: 5, heading: ["Tea"] }),
    ]);
    expect((await call("search", { query: "tea", filter: { path: "deep/*" } })).text).toBe("[]");
    expect((await call("retrieve", { query: "fermented tea", tokens: 50 })).text).toContain("[tea.md#tea:5]\n# Tea");
    expect((await call("get", { path: "tea.md" })).text).toContain("Green tea");
    expect(JSON.parse((await call("status")).text)).toMatchObject({ documents: 4 });
    expect((await call("get", { path: "gone.md" })).failed).toBe(true);
    expect((await call("search", { query: "tea", limit: 0 })).failed).toBe(true);
    expect((await call("search", { query: "tea", mode: "vector" })).text).toContain("without an embedder");
    await client.close();
  });
});

describe("the maintenance of an index, for programs", () => {
  const place = ["--index", "kept", "--json"];
  const answer = async (...args: string[]): Promise<{ code: number; said: { [name: string]: unknown } }> => {
    const { code, out } = await pipe(["index", ...args, ...place]);
    return { code, said: JSON.parse(out) as { [name: string]: unknown } };
  };

  it("answers in JSON", async () => {
    await mkdir(join(folder, "clean"));
    await writeFile(join(folder, "clean/a.md"), "# A\n\nOne page.\n");
    expect((await answer("./clean")).said).toMatchObject({ documents: 1, failures: [] });
    expect(await answer("verify")).toMatchObject({ code: 0, said: { ok: true, problems: [] } });
    expect((await answer("status")).said).toMatchObject({ documents: 1 });
    expect((await answer("compact")).said).toMatchObject({ before: expect.any(Number), bytes: expect.any(Number) });
    expect((await answer("repair")).said).toMatchObject({ rewritten: false, vectors: 0 });
    expect((await answer("export", "kept.jsonl")).said).toMatchObject({ documents: 1 });
    const taken = await pipe(["index", "import", "kept.jsonl", "--index", "copy", "--json"]);
    expect(JSON.parse(taken.out)).toMatchObject({ documents: 1 });
  });

  it("says what excludes what, and that a folder holds no model", async () => {
    const both = await pipe(["index", "./clean", "--words", "--embedder", "m", "--index", "kept"]);
    expect([both.code, both.err]).toEqual([2, expect.stringContaining("exclude each other")]);
    await mkdir(join(folder, "model/onnx"), { recursive: true });
    await writeFile(join(folder, "model/onnx/model.onnx"), "no model");
    const damaged = await pipe(["index", "./clean", "--embedder", "model", "--index", "kept"]);
    expect([damaged.code, damaged.err]).toEqual([1, expect.stringContaining("tokenizer.json")]);
  });
});
