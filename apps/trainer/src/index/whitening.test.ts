import { mkdir, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { openExperiment } from "../experiment.test.fixture.ts";

const { folder, pipe } = await openExperiment();
const words = ["north", "east", "south", "west"];
const index = ["--index", "white"];

beforeAll(async () => {
  await mkdir(join(folder, "many"));
  for (let n = 0; n < 64; n++) {
    const text = Array.from({ length: 12 }, (_, at) => words[(n * 7 + at * (1 + (n % 5))) % 4]!).join(" ");
    await writeFile(join(folder, `many/${n}.md`), `# Wind ${words[n % 4]!}\n\n${text}\n`);
  }
  await pipe(["train", "tiny.yaml", "--set", "training={steps: 8, batch: 8}"]);
});

async function whitenings(): Promise<string[]> {
  return (await readdir(join(folder, "white"))).filter((name) => name.startsWith("whitening"));
}

async function found(...more: string[]): Promise<{ code: number; err: string; hits: readonly { score: number }[] }> {
  const { code, out, err } = await pipe(["search", "east south", ...index, "--json", ...more]);
  const lines = out.split("\n").filter((line) => line !== "");
  return { code, err, hits: lines.map((line) => JSON.parse(line) as { score: number }) };
}

describe("pipe index --whiten", () => {
  it("keeps one whitening, and every search goes through the very same", async () => {
    const { code, out } = await pipe(["index", "./many", ...index, "--run", "tiny", "--whiten"]);
    expect([code, out]).toEqual([0, expect.stringContaining("64 documents indexed")]);
    const [name] = await whitenings();
    expect(name).toBe("whitening-8.bin");
    const bytes = await readFile(join(folder, "white", name!));
    const first = await found("--mode", "vector");
    expect([first.code, first.hits.length]).toEqual([0, 5]);
    expect((await pipe(["index", "status", ...index])).out).toContain(":white-");

    // Later calls need not say it again, and change nothing of it.
    expect((await pipe(["index", "./many", ...index])).out).toContain("64 unchanged");
    expect((await readFile(join(folder, "white", name!))).equals(bytes)).toBe(true);
    expect(await found("--mode", "vector")).toEqual(first);
  });

  it("goes on with the checkpoint that it fits until the index is made anew", async () => {
    const before = await found("--mode", "vector");
    await pipe(["train", "--resume=tiny", "--set", "training.steps=12"]);
    expect(await found("--mode", "vector")).toEqual(before);
    const { out } = await pipe(["index", "./many", ...index]);
    expect(out).toContain("64 embedded");
    expect(await whitenings()).toEqual(["whitening-12.bin"]);
    expect((await found("--mode", "vector")).hits).not.toEqual(before.hits);
  });

  it("is searched by words where that checkpoint is gone", async () => {
    await rm(join(folder, "white/whitening-12.bin"));
    await writeFile(join(folder, "white/whitening-3.bin"), "of a checkpoint that was removed");
    const { code, err, hits } = await found();
    expect([code, hits.length]).toEqual([0, 5]);
    expect(err).toContain("searching by words only");
    await rm(join(folder, "white/whitening-3.bin"));
  });

  it("says what is wrong where it cannot be", async () => {
    await writeFile(join(folder, "white/whitening-12.bin"), "torn");
    const damaged = await found("--mode", "vector");
    expect([damaged.code, damaged.err]).toEqual([1, expect.stringMatching(/is damaged[^]*whitening-12\.bin/)]);
    expect((await pipe(["index", "./many", ...index, "--whiten", "--words"])).code).toBe(2);
    const few = await pipe(["index", "./notes", "--index", "few", "--run", "tiny", "--whiten"]);
    expect([few.code, few.err]).toEqual([1, expect.stringContaining("too few texts")]);
  });

  it("is forgotten where the index goes on with another model", async () => {
    await pipe(["train", "tiny.yaml", "--name", "other", "--set", "training={steps: 2, batch: 8}"]);
    expect((await pipe(["index", "./many", ...index, "--run", "other"])).code).toBe(0);
    expect(await whitenings()).toEqual([]);
    expect((await found("--mode", "vector")).code).toBe(0);
  });

  it("is for a run's own model", async () => {
    const embedder = "indexing.embedder={kind: http, url: 'http://127.0.0.1:9/v1/embeddings', model: m, dimensions: 3}";
    await pipe(["train", "tiny.yaml", "--name", "http", "--set", "training={steps: 1, batch: 8}", "--set", embedder]);
    const { code, err } = await pipe(["index", "./many", "--index", "http", "--run", "http", "--whiten"]);
    expect([code, err]).toEqual([1, expect.stringContaining("own model")]);
  });
});
