import { existsSync } from "node:fs";
import { join } from "node:path";
import type { IEmbedder } from "@pipe/core";
import { OnnxEmbedder } from "@pipe/indexer";
import { KeptEmbedder } from "./kept-embedder.ts";
import { trigramEmbedder } from "./trigram-embedder.ts";

/** An embedder of the bench with its name. */
export type NamedEmbedder = { readonly name: string; readonly embedder: IEmbedder };

/** What hybrid search is measured with: MiniLM, where bench/setup made it, and a weak embedder. */
export async function withEmbedders<T>(body: (embedders: readonly NamedEmbedder[]) => Promise<T>): Promise<T> {
  const weak = { name: "trigrams", embedder: trigramEmbedder };
  const folder = join(import.meta.dirname, "../.envs/minilm");
  if (!existsSync(folder)) {
    console.log("MiniLM is absent: bench/setup/setup.sh");
    return body([weak]);
  }
  const onnx = await OnnxEmbedder.open({ folder, threads: 1 });
  const kept = new KeptEmbedder(onnx);
  try {
    return await body([{ name: "MiniLM", embedder: kept }, weak]);
  } finally {
    kept[Symbol.dispose]();
    await onnx[Symbol.asyncDispose]();
  }
}
