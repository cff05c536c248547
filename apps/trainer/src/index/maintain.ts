import { type FileHandle, open, rm } from "node:fs/promises";
import { resolve } from "node:path";
import type { IndexStatus } from "@pipe/core";
import { IndexManager } from "@pipe/indexer";
import type { Host } from "../host.ts";
import { indexFolderOf, notedEmbedder, notedSources, usableEmbedder, withIndex } from "../markdown-index.ts";
import { parseCommand, required } from "../usage.ts";
import { indexFolderInto } from "./index-folder-into.ts";

type Action = (args: readonly string[], host: Host) => Promise<number>;

/** `pipe index status`: what it holds, and what failed. */
export const indexStatus: Action = async (args, host) => {
  const { index, json } = optionsOf(args, host);
  return withIndex(host, { index, create: false }, async (indexer) => {
    const [status, run, sources] = [await indexer.status(), await notedEmbedder(index), await notedSources(index)];
    host.stdout.write(
      json ? `${JSON.stringify({ index, run, sources, ...status })}\n` : formatStatus(status, index, run, sources),
    );
    return 0;
  });
};

/** `pipe index retry`: reads the documents again whose indexing failed. */
export const indexRetry: Action = async (args, host) => {
  const { index, json } = optionsOf(args, host);
  const run = await usableEmbedder(index, host, "indexing");
  return withIndex(host, { index, run, create: false, worker: true }, async (indexer) => {
    const { failures } = await indexer.status();
    for (const [collection, folder] of Object.entries(await notedSources(index))) {
      const only = new Set(failures.filter((each) => each.collection === collection).map(({ id }) => id));
      if (only.size > 0) await indexFolderInto(indexer, folder, { collection, only });
    }
    const left = (await indexer.status()).failures;
    for (const { id, message } of left) host.stderr.write(`not indexed: ${id}: ${message}\n`);
    const mended = failures.length - left.length;
    host.stdout.write(
      json ? `${JSON.stringify({ mended, failures: left })}\n` : `${mended} mended, ${left.length} left\n`,
    );
    return left.length === 0 ? 0 : 1;
  });
};

/** `pipe index verify`: checks everything against its checksums. */
export const indexVerify: Action = async (args, host) => {
  const { index, json } = optionsOf(args, host);
  const store = await IndexManager.open({ folder: index, create: false, worker: false });
  try {
    const found = await store.verify();
    if (json) host.stdout.write(`${JSON.stringify(found)}\n`);
    else if (found.ok) host.stdout.write(`${index} is whole\n`);
    else host.stdout.write(`${found.problems.join("\n")}\nmend it: pipe index repair\n`);
    return found.ok ? 0 : 1;
  } finally {
    await store[Symbol.asyncDispose]();
  }
};

/** `pipe index repair`: drops what is damaged, so that the next indexing makes it again. */
export const indexRepair: Action = async (args, host) => {
  const { index, json } = optionsOf(args, host);
  const report = await IndexManager.repair(index, { worker: false });
  const { rewritten, vectors, documents } = report;
  const lines = [
    ...(rewritten
      ? ["the file was damaged and is replaced by what could be read; the old one is index.sqlite.damaged"]
      : []),
    `${vectors} vectors and passages of ${documents.length} documents dropped, words indexed anew`,
    "index the folder again to make good what is missing",
  ];
  host.stdout.write(json ? `${JSON.stringify(report)}\n` : `${lines.join("\n")}\n`);
  return 0;
};

/** `pipe index compact`: gives back the space of what was removed. */
export const indexCompact: Action = async (args, host) => {
  const { index, json } = optionsOf(args, host);
  return withIndex(host, { index, create: false }, async (indexer) => {
    const before = (await indexer.status()).bytes;
    await indexer.store.compact();
    const { bytes } = await indexer.status();
    host.stdout.write(json ? `${JSON.stringify({ before, bytes })}\n` : `${megabytes(before)} → ${megabytes(bytes)}\n`);
    return 0;
  });
};

/** `pipe index export <file>`: all of it as lines of JSON. */
export const indexExport: Action = async (args, host) => {
  const { index, file, json } = optionsOf(args, host, "The file to write");
  return withIndex(host, { index, create: false }, async (indexer) => {
    if (file === undefined) {
      for await (const line of indexer.store.export()) host.stdout.write(`${line}\n`);
      return 0;
    }
    const output = await open(file, "wx");
    let documents = -1;
    try {
      for await (const line of indexer.store.export()) {
        await output.write(`${line}\n`);
        documents++;
      }
    } catch (error) {
      await rm(file, { force: true }); // half of an index is none
      throw error;
    } finally {
      await output.close();
    }
    host.stdout.write(json ? `${JSON.stringify({ documents, file })}\n` : `${documents} documents in ${file}\n`);
    return 0;
  });
};

/** `pipe index import <file>`: what `export` wrote, into an index. */
export const indexImport: Action = async (args, host) => {
  const { index, file = "/dev/stdin", json } = optionsOf(args, host, "The file to read");
  const input = await open(file);
  try {
    return await withIndex(host, { index, create: true }, async (indexer) => {
      const documents = await indexer.store.import(linesOf(input));
      host.stdout.write(json ? `${JSON.stringify({ documents, index })}\n` : `${documents} documents in ${index}\n`);
      return 0;
    });
  } finally {
    await input.close().catch(() => undefined);
  }
};

/** Begins to read when the first line is asked for: lines that come before are lost. */
async function* linesOf(input: FileHandle): AsyncGenerator<string> {
  yield* input.readLines({ autoClose: false });
}

function optionsOf(args: readonly string[], host: Host, named?: string) {
  const { values, positionals } = parseCommand(args, { index: { type: "string" } }, named === undefined ? 0 : 1);
  const name = named === undefined ? "-" : required(named, positionals[0]);
  // "-" is standard input or output.
  const file = name === "-" ? undefined : resolve(host.cwd, name);
  return { index: indexFolderOf(host.cwd, values.index), json: values.json === true, file };
}

function formatStatus(
  { documents, chunks, vectors, spaces, collections, failures, bytes }: IndexStatus,
  index: string,
  run: string | undefined,
  sources: { readonly [collection: string]: string },
): string {
  const lines = [
    `${index}: ${documents} documents, ${chunks} passages, ${vectors} vectors, ${megabytes(bytes)}`,
    ...collections.map(
      ({ name, documents: count }) => `  ${name}: ${count} documents${name in sources ? ` of ${sources[name]}` : ""}`,
    ),
    ...spaces.map(({ id, step, vectors: count }) => {
      const missing = count < chunks ? `, ${chunks - count} missing` : "";
      return `  vectors of ${id}${step === undefined ? "" : ` at step ${step}`}: ${count}${missing}`;
    }),
    ...(run === undefined ? [] : [`  model: ${run}`]),
    ...failures.map(({ id, message }) => `  failed: ${id}: ${message.split("\n", 1)[0]!}`),
  ];
  return `${lines.join("\n")}\n`;
}

function megabytes(bytes: number): string {
  return `${(bytes / 1e6).toFixed(1)} MB`;
}
