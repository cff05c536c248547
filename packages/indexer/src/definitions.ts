/**
 * The embedders and vector stores of `@pipe/indexer` as components that a configuration names by `kind`.
 *
 * @packageDocumentation
 */
import { readFile } from "node:fs/promises";
import {
  defineComponent,
  definedOnly,
  type IEmbedder,
  type IVectorStore,
  messageOf,
  PipeError,
  serviceTokens,
} from "@pipe/core";
import { z } from "zod";

const count = z.number().int().positive();

const model = defineComponent({
  port: "embedder",
  kind: "model",
  create: (_, services): Promise<IEmbedder> => services.get(serviceTokens.modelEmbedder),
});

const onnx = defineComponent({
  port: "embedder",
  kind: "onnx",
  schema: z.strictObject({
    kind: z.literal("onnx"),
    folder: z
      .string()
      .min(1)
      .meta({ format: "path", description: "Folder of a sentence-transformers model, as on Hugging Face's hub" }),
    file: z.string().min(1).optional().describe("Its ONNX file in there; default model.onnx or onnx/model.onnx"),
    threads: count.optional().describe("Threads of one product; default all cores"),
    maxTokens: count.optional().describe("Tokens of a text at most; default what the model was trained with"),
  }),
  create: async ({ folder, file, threads, maxTokens }): Promise<IEmbedder> => {
    const { OnnxEmbedder } = await import("./embedders/onnx-embedder.ts");
    return OnnxEmbedder.open({ folder, ...definedOnly({ file, threads, maxTokens }) });
  },
});

const http = defineComponent({
  port: "embedder",
  kind: "http",
  schema: z.strictObject({
    kind: z.literal("http"),
    url: z.url().describe("An endpoint in the shape of OpenAI's, such as http://localhost:11434/v1/embeddings"),
    model: z.string().min(1),
    dimensions: count.describe("Elements of a vector"),
    shorten: z.boolean().optional().describe("Ask the endpoint for vectors of that length"),
    keyFile: z
      .string()
      .min(1)
      .optional()
      .meta({ format: "path", description: "File with a bearer token: more people see a run's configuration" }),
    batch: count.optional().describe("Texts in one request; default 64"),
    requestsPerMinute: count.optional().describe("Requests a minute at most; default no limit"),
    timeout: count.optional().describe("Milliseconds for one request; default 60,000"),
  }),
  create: async ({ kind: _, url, model, dimensions, keyFile, ...options }): Promise<IEmbedder> => {
    const { HttpEmbedder } = await import("./embedders/http-embedder.ts");
    const key = keyFile === undefined ? undefined : await keyOf(keyFile);
    return new HttpEmbedder({ url, model, dimensions, ...definedOnly({ ...options, key }) });
  },
});

/** What a file with a key says. @throws PipeError `key-missing`. */
async function keyOf(file: string): Promise<string> {
  const text = await readFile(file, "utf8").catch((cause: unknown) => {
    throw new PipeError("key-missing", "The file with the key of an embedding endpoint cannot be read.", {
      got: messageOf(cause),
      where: file,
      fix: "write the bearer token into it, or leave keyFile out",
      cause,
    });
  });
  return text.trim();
}

const usearch = defineComponent({
  port: "store",
  kind: "usearch",
  schema: z.strictObject({
    kind: z.literal("usearch"),
    exactBelow: z.number().int().min(0).optional().describe("Vectors that are all looked at; default 20,000"),
    wornShare: z.number().gt(0).lte(1).optional().describe("Share of removed ones that wears a graph; default 0.25"),
  }),
  create: async ({ exactBelow, wornShare }, services): Promise<IVectorStore> => {
    const [{ UsearchVectorStore }, folder] = await Promise.all([
      import("./vectors/usearch-vector-store.ts"),
      services.get(serviceTokens.graphFolder),
    ]);
    return new UsearchVectorStore({ folder, ...definedOnly({ exactBelow, wornShare }) });
  },
});

const postgres = defineComponent({
  port: "store",
  kind: "postgres",
  schema: z.strictObject({
    kind: z.literal("postgres"),
    connection: z
      .string()
      .regex(/^postgres(ql)?:\/\//, { error: "an address that begins with postgres://" })
      .describe("postgres://user@host:5432/database; PGPASSWORD and the like fill in what it leaves out"),
    schema: z
      .string()
      .regex(/^[a-z_][a-z0-9_]{0,62}$/, { error: "small letters, digits and _" })
      .optional()
      .describe("Schema of the tables, one an index; default pipe_index"),
  }),
  create: async ({ connection, schema }): Promise<IVectorStore> => {
    const { PostgresVectorStore } = await import("./vectors/postgres-vector-store.ts");
    return new PostgresVectorStore({ connection, ...definedOnly({ schema }) });
  },
});

/** The embedders and vector stores of this package. */
export const definitions = [model, onnx, http, usearch, postgres] as const;

declare module "@pipe/core" {
  interface InstalledDefinitions {
    "@pipe/indexer": typeof definitions;
  }
}
