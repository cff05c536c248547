import { spawn } from "node:child_process";
import { once } from "node:events";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { Random } from "@pipe/core";
import { expect, it } from "vitest";
import { stream, temporaryFolders, withIndexer } from "./index-folder.test.fixture.ts";
import { TrigramEmbedder } from "./trigram-embedder.test.fixture.ts";
import { UsearchVectorStore } from "./vectors/usearch-vector-store.ts";

const newFolder = temporaryFolders();
// PIPE_KILLS=200 for the full number.
const kills = Number(process.env["PIPE_KILLS"] ?? 6);

/** A version of each document; none where it is removed. */
type State = { readonly [id: string]: number };

const textOf = (id: string, version: number): string =>
  `# Document ${id}\n\nunique${id} stands in version${version} here.\n\n## More\n\n${`filler${version % 7} `.repeat(30)}\n`;

it(
  `an index whose writer is killed at ${kills} random moments is whole, with all that was acknowledged`,
  async () => {
    const folder = await newFolder();
    const script = join(await newFolder(), "child.mjs");
    const source = (name: string): string => JSON.stringify(new URL(name, import.meta.url).href);
    await writeFile(
      script,
      `import { MarkdownIndexer, UsearchVectorStore } from ${source("./index.ts")};
    import { TrigramEmbedder } from ${source("./trigram-embedder.test.fixture.ts")};
    import { Random } from ${source("../../core/src/index.ts")};
    const [folder, seed] = process.argv.slice(2);
    const textOf = ${textOf.toString()};
    const random = new Random(Number(seed));
    const vectors = new UsearchVectorStore({ folder: folder + "/graphs", exactBelow: 40 });
    const indexer = await MarkdownIndexer.open({ folder, embedder: new TrigramEmbedder({ dimensions: 32 }), vectors });
    for (let version = Number(seed) * 1000 + 1; ; version++) {
      const ids = [...new Set(Array.from({ length: 1 + random.integer(12) }, () => String(random.integer(60))))];
      const isRemoval = random.uniform() < 0.3;
      const change = Object.fromEntries(ids.map((id) => [id, isRemoval ? 0 : version]));
      console.log(JSON.stringify({ begin: change }));
      async function* some() {
        for (const id of ids) yield { id, path: id, text: textOf(id, version), cursor: null };
      }
      if (isRemoval) await indexer.remove(ids);
      else await indexer.index(some());
      if (random.uniform() < 0.1) await indexer.store.compact();
      console.log(JSON.stringify({ done: change }));
    }`,
    );
    const random = new Random(17);
    const embedder = new TrigramEmbedder({ dimensions: 32 });
    let acknowledged: State = {};
    for (let turn = 0; turn < kills; turn++) {
      const { done, open } = await killed(script, folder, String(turn), 5 + random.uniform() * 250);
      for (const change of done) acknowledged = { ...acknowledged, ...change };
      const vectors = new UsearchVectorStore({ folder: join(folder, "graphs"), exactBelow: 40, worker: false });
      await withIndexer({ folder, embedder, vectors }, async (indexer) => {
        expect((await indexer.store.verify()).problems).toEqual([]);
        const now: { [id: string]: number } = {};
        for (const id of new Set([...Object.keys(acknowledged), ...Object.keys(open)])) {
          const text = (await indexer.get(id))?.text;
          now[id] = text === undefined ? 0 : Number(/version(\d+)/.exec(text)![1]);
          // What was begun and not acknowledged may be there or not.
          expect([acknowledged[id] ?? 0, open[id] ?? acknowledged[id] ?? 0]).toContain(now[id]);
          const found = await indexer.search(`unique${id}`, { mode: "lexical" });
          expect(found.map(({ id: each }) => each)).toEqual(now[id] === 0 ? [] : [id]);
        }
        // A next run makes good what is missing, and meaning finds everything too.
        await indexer.index(stream({}));
        const { chunks, vectors: all } = await indexer.status();
        expect(all).toBe(chunks);
        for (const id of Object.keys(now)
          .filter((each) => now[each] !== 0)
          .slice(0, 5)) {
          const hits = await indexer.search(`Document ${id} unique${id}`, { mode: "vector", limit: chunks });
          expect(hits.some((hit) => hit.id === id)).toBe(true);
        }
        acknowledged = now;
      });
    }
  },
  60_000 + 10_000 * kills,
);

/** Runs the child and kills it so long after its first acknowledgement. */
async function killed(script: string, folder: string, seed: string, after: number) {
  const child = spawn(process.execPath, ["--conditions=@pipe/source", script, folder, seed], {
    stdio: ["ignore", "pipe", "inherit"],
    cwd: import.meta.dirname,
  });
  const done: State[] = [];
  let open: State = {};
  let timer: NodeJS.Timeout | undefined;
  createInterface({ input: child.stdout }).on("line", (line) => {
    const said = JSON.parse(line) as { readonly begin?: State; readonly done?: State };
    if (said.done !== undefined) done.push(said.done);
    open = said.begin ?? {};
    timer ??= setTimeout(() => child.kill("SIGKILL"), after);
  });
  const [, signal] = (await once(child, "close")) as [number | null, string];
  expect(signal).toBe("SIGKILL");
  return { done, open };
}
