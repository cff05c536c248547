import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import type { IEmbedder } from "@pipe/core";

/* oxlint-disable typescript/no-explicit-any, typescript/no-unsafe-assignment, typescript/no-unsafe-call,
   typescript/no-unsafe-member-access -- no types: they are installed for this benchmark only */
const envs = join(import.meta.dirname, "../.envs");
const from = (env: string): NodeJS.Require => createRequire(join(envs, env, "package.json"));

/** What is indexed: a folder of markdown, the names of its files that are new or changed, and where the index lies. */
export type Work = { readonly docs: string; readonly changed: readonly string[]; readonly index: string };

type Passage = { readonly id: string; readonly path: string; readonly text: string; readonly vector: number[] };

/** The passages of files as LangChain's splitter for markdown cuts them, of 256 tokens of 4 characters at most as ours are. */
async function passagesOf(embedder: IEmbedder): Promise<(work: Work) => Promise<Passage[]>> {
  const module = pathToFileURL(from("chunking").resolve("@langchain/textsplitters")).href;
  const { MarkdownTextSplitter } = (await import(module)) as any;
  const lengthFunction = (text: string): number => Math.ceil(text.length / 4);
  const splitter = new MarkdownTextSplitter({ chunkSize: 256, chunkOverlap: 0, lengthFunction });
  return async ({ docs, changed }) => {
    const passages: Passage[] = [];
    for (const path of changed) {
      const texts = (await splitter.splitText(readFileSync(join(docs, path), "utf8"))) as string[];
      const vectors = await embedder.embed(texts);
      for (const [at, text] of texts.entries()) {
        passages.push({ id: `${path}#${at}`, path, text, vector: Array.from(vectors[at]!) });
      }
    }
    return passages;
  };
}

/** Passages with their words and vectors, in memory and saved as JSON. */
export async function orama(embedder: IEmbedder): Promise<(work: Work) => Promise<void>> {
  const { create, getByID, insertMultiple, load, removeMultiple, save } = from("peers")("@orama/orama") as any;
  const cut = await passagesOf(embedder);
  const vector = `vector[${embedder.space.dimensions}]`;
  return async (work) => {
    const file = join(work.index, "orama.json");
    const database = create({ schema: { path: "string", text: "string", vector } });
    if (existsSync(file)) {
      load(database, JSON.parse(readFileSync(file, "utf8")));
      const old: string[] = [];
      for (const path of work.changed) {
        for (let at = 0; getByID(database, `${path}#${at}`) !== undefined; at++) old.push(`${path}#${at}`);
      }
      await removeMultiple(database, old);
    }
    await insertMultiple(database, await cut(work));
    mkdirSync(work.index, { recursive: true });
    writeFileSync(file, JSON.stringify(save(database)));
  };
}

/** Passages with their words and vectors in LanceDB's files. */
export async function lancedb(embedder: IEmbedder): Promise<(work: Work) => Promise<void>> {
  const lance = from("lancedb")("@lancedb/lancedb") as any;
  const cut = await passagesOf(embedder);
  return async (work) => {
    const database = await lance.connect(work.index);
    const rows = await cut(work);
    if (!existsSync(work.index) || !(await database.tableNames()).includes("passages")) {
      const table = await database.createTable("passages", rows);
      await table.createIndex("text", { config: lance.Index.fts() });
      return;
    }
    const table = await database.openTable("passages");
    await table.delete(`path IN (${work.changed.map((path) => `'${path.replaceAll("'", "''")}'`).join(", ")})`);
    await table.add(rows);
    await table.optimize();
  };
}

/** Words of whole documents in SQLite's full-text index; it looks for changes itself. */
export async function qmd(): Promise<(work: Work) => Promise<void>> {
  const { createStore } = (await import(join(envs, "qmd/node_modules/@tobilu/qmd/dist/index.js"))) as any;
  return async ({ docs, index }) => {
    mkdirSync(index, { recursive: true });
    const collections = { docs: { path: docs, pattern: "**/*.{md,mdx}" } };
    const store = await createStore({ dbPath: join(index, "qmd.sqlite"), config: { collections } });
    await store.update();
    await store.close();
  };
}

/** Passages of its own cut with vectors, in JSON files. */
export async function vectra(embedder: IEmbedder): Promise<(work: Work) => Promise<void>> {
  await Promise.resolve();
  const { LocalDocumentIndex } = from("peers")("vectra") as any;
  const embeddings = {
    maxTokens: 8_000,
    createEmbeddings: async (inputs: string | string[]) => {
      const vectors = await embedder.embed([inputs].flat());
      return { status: "success", output: vectors.map((vector) => Array.from(vector)) };
    },
  };
  return async ({ docs, changed, index }) => {
    const documents = new LocalDocumentIndex({ folderPath: index, embeddings, chunkingConfig: { chunkSize: 256 } });
    if (!(await documents.isIndexCreated())) await documents.createIndex({ version: 1 });
    for (const name of changed) await documents.upsertDocument(name, readFileSync(join(docs, name), "utf8"), "md");
  };
}
