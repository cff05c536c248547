// node build-files.ts <contender> <folder of markdown> <index folder> [changed files as JSON]: indexes a folder, or takes in
// what has changed since, and prints milliseconds from opening to having it on the disk, and those of processor time. vectra, Orama
// and LanceDB are told which files have changed; ours and qmd find out. `words` and qmd have no vectors.
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import type { IEmbedder } from "@pipe/core";
import { MarkdownIndexer } from "@pipe/indexer";
import { trigramEmbedder } from "../retrieval/trigram-embedder.ts";

/* oxlint-disable typescript/no-explicit-any, typescript/no-unsafe-assignment, typescript/no-unsafe-call,
   typescript/no-unsafe-member-access -- no types: they are installed for this benchmark only */
const [contender, docs = "", index = "", told] = process.argv.slice(2);
const envs = join(import.meta.dirname, "../.envs");
const peers = createRequire(join(envs, "peers/package.json"));
const all = readdirSync(docs, { recursive: true, encoding: "utf8" }).filter((name) => /\.mdx?$/.test(name));
const changed = told === undefined ? all : (JSON.parse(told) as string[]);
const read = (name: string): string => readFileSync(join(docs, name), "utf8");

const builders: { readonly [name: string]: () => Promise<() => Promise<unknown>> } = {
  ours: () => ours(trigramEmbedder),
  words: () => ours(),
  vectra,
  orama,
  qmd,
  lancedb,
};
// Modules are loaded before the clock starts.
const build = await builders[contender!]!();
const [begin, used] = [performance.now(), process.cpuUsage()];
await build();
const { user, system } = process.cpuUsage(used);
console.log(JSON.stringify({ milliseconds: performance.now() - begin, cpu: (user + system) / 1_000 }));
process.exit(0);

async function ours(embedder?: IEmbedder) {
  await Promise.resolve();
  return async () => {
    const indexer = await MarkdownIndexer.open({ folder: index, embedder });
    await indexer.index(
      (async function* () {
        for (const name of all) yield { id: name, path: name, text: read(name), cursor: null };
      })(),
      { prune: true },
    );
    await indexer[Symbol.asyncDispose]();
  };
}

/** Passages with vectors of the same embedder, in JSON files. */
async function vectra() {
  await Promise.resolve();
  const { LocalDocumentIndex } = peers("vectra") as any;
  const embeddings = {
    maxTokens: 8_000,
    createEmbeddings: async (inputs: string | string[]) => {
      const vectors = await trigramEmbedder.embed([inputs].flat());
      return { status: "success", output: vectors.map((vector) => Array.from(vector)) };
    },
  };
  return async () => {
    const documents = new LocalDocumentIndex({ folderPath: index, embeddings, chunkingConfig: { chunkSize: 256 } });
    if (!(await documents.isIndexCreated())) await documents.createIndex({ version: 1 });
    for (const name of changed) await documents.upsertDocument(name, read(name), "md");
  };
}

/** Whole documents with their words and one vector each, in memory and saved as JSON. */
async function orama() {
  await Promise.resolve();
  const { create, insert, load, remove, save } = peers("@orama/orama") as any;
  const file = join(index, "orama.json");
  return async () => {
    const database = create({ schema: { path: "string", text: "string", vector: "vector[256]" } });
    const again = existsSync(file);
    if (again) load(database, JSON.parse(readFileSync(file, "utf8")));
    for (const name of changed) {
      const text = read(name);
      const [vector] = await trigramEmbedder.embed([text]);
      if (again) await remove(database, name);
      await insert(database, { id: name, path: name, text, vector: Array.from(vector!) });
    }
    mkdirSync(index, { recursive: true });
    writeFileSync(file, JSON.stringify(save(database)));
  };
}

/** Words of whole documents in SQLite's full-text index; it looks for changes itself. */
async function qmd() {
  const { createStore } = (await import(join(envs, "qmd/node_modules/@tobilu/qmd/dist/index.js"))) as any;
  return async () => {
    mkdirSync(index, { recursive: true });
    const collections = { docs: { path: docs, pattern: "**/*.{md,mdx}" } };
    const store = await createStore({ dbPath: join(index, "qmd.sqlite"), config: { collections } });
    await store.update();
    await store.close();
  };
}

/** Whole documents with their words and one vector each. */
async function lancedb() {
  await Promise.resolve();
  const lance = createRequire(join(envs, "lancedb/package.json"))("@lancedb/lancedb") as any;
  return async () => {
    const database = await lance.connect(index);
    const rows: object[] = [];
    for (const path of changed) {
      const text = read(path);
      const [vector] = await trigramEmbedder.embed([text]);
      rows.push({ path, text, vector: Array.from(vector!) });
    }
    if (told === undefined) {
      const table = await database.createTable("documents", rows);
      await table.createIndex("text", { config: lance.Index.fts() });
      return;
    }
    const table = await database.openTable("documents");
    await table.mergeInsert("path").whenMatchedUpdateAll().whenNotMatchedInsertAll().execute(rows);
    await table.optimize();
  };
}
