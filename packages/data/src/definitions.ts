/**
 * The sources and tokenizers of `@pipe/data` as components that a configuration names by `kind`.
 *
 * @packageDocumentation
 */
import { defineComponent, type IDataSource, type ITokenizer, serviceTokens } from "@pipe/core";
import { z } from "zod";
import { chemPileSubsets } from "./chempile-subsets.ts";

const path = z.string().min(1).meta({ format: "path", description: "A file, a folder or a glob" });

const text = defineComponent({
  port: "source",
  kind: "text",
  schema: z.strictObject({
    kind: z.literal("text"),
    path,
    separator: z.string().min(1).optional().describe("A line that stands between documents; without it a file is one"),
  }),
  create: async ({ path, separator }): Promise<IDataSource> => {
    const { TextDataSource } = await import("./text-data-source.ts");
    return new TextDataSource({ path, ...(separator === undefined ? {} : { separator }) });
  },
});

const jsonl = defineComponent({
  port: "source",
  kind: "jsonl",
  schema: z.strictObject({
    kind: z.literal("jsonl"),
    path,
    field: z.string().min(1).default("text").describe("The field that holds the text"),
    idField: z.string().min(1).optional().describe("The field that holds the document's id; default: file and line"),
  }),
  create: async ({ path, field, idField }): Promise<IDataSource> => {
    const { JsonlDataSource } = await import("./jsonl-data-source.ts");
    return new JsonlDataSource({ path, field, ...(idField === undefined ? {} : { idField }) });
  },
});

const markdown = defineComponent({
  port: "source",
  kind: "markdown",
  schema: z.strictObject({ kind: z.literal("markdown"), path }),
  create: async ({ path }): Promise<IDataSource> => {
    const { MarkdownDataSource } = await import("./markdown-data-source.ts");
    return new MarkdownDataSource({ path });
  },
});

const field = z.string().min(1).default("text").describe("The field or column that holds the text");
const idField = z.string().min(1).optional().describe("The column that holds the document's id; default: file and row");
const cache = z
  .string()
  .min(1)
  .default(".pipe/datasets")
  .meta({ format: "path", description: "Folder in which downloads are kept" });
const hub = {
  config: z.string().min(1).optional().describe('Configuration of the dataset; default "default"'),
  split: z.string().min(1).optional().describe('Default "train"'),
  files: z.number().int().positive().optional().describe("Files at most, in order; default all"),
  token: z.string().min(1).optional().describe("Access token of Hugging Face's hub, for data behind a login"),
  endpoint: z.url().optional().describe("Address of the hub or of a mirror"),
};

const parquet = defineComponent({
  port: "source",
  kind: "parquet",
  schema: z.strictObject({ kind: z.literal("parquet"), path, field, idField }),
  create: async ({ kind: _, ...options }): Promise<IDataSource> => {
    const { ParquetDataSource } = await import("./parquet-data-source.ts");
    return new ParquetDataSource(options);
  },
});

const huggingface = defineComponent({
  port: "source",
  kind: "huggingface",
  schema: z.strictObject({
    kind: z.literal("huggingface"),
    dataset: z
      .string()
      .regex(/^[\w.-]+\/[\w.-]+$/)
      .describe("owner/name on Hugging Face's hub"),
    ...hub,
    field,
    idField,
    cache,
  }),
  create: async ({ kind: _, ...options }): Promise<IDataSource> => {
    const { HuggingFaceDataSource } = await import("./hugging-face-data-source.ts");
    return new HuggingFaceDataSource(options);
  },
});

const chempile = defineComponent({
  port: "source",
  kind: "chempile",
  schema: z.strictObject({
    kind: z.literal("chempile"),
    path: path.optional().describe("A part that is on disk, in Parquet or JSON lines; without it the hub is asked"),
    subset: z.enum(chemPileSubsets).optional().describe('Collection on the hub; default "education"'),
    ...hub,
    field,
    cache,
  }),
  create: async ({ kind: _, ...options }): Promise<IDataSource> => {
    const { ChemPileDataSource } = await import("./chempile-data-source.ts");
    return new ChemPileDataSource(options);
  },
});

const byte = defineComponent({
  port: "tokenizer",
  kind: "byte",
  schema: z.strictObject({ kind: z.literal("byte") }),
  create: async (): Promise<ITokenizer> => {
    const { createByteTokenizer } = await import("./byte-tokenizer.ts");
    return createByteTokenizer();
  },
});

const char = defineComponent({
  port: "tokenizer",
  kind: "char",
  schema: z.strictObject({
    kind: z.literal("char"),
    characters: z.string().min(1).optional().describe("The vocabulary; default: learnt from the source"),
  }),
  create: async ({ characters }, services): Promise<ITokenizer> => {
    const { createCharTokenizer, learnCharacters } = await import("./char-tokenizer.ts");
    return createCharTokenizer(characters ?? (await learnCharacters(await services.get(serviceTokens.source))));
  },
});

const gpt = defineComponent({
  port: "tokenizer",
  kind: "gpt",
  schema: z.strictObject({
    kind: z.literal("gpt"),
    encoding: z
      .enum(["r50k_base", "p50k_base", "cl100k_base", "o200k_base"])
      .default("r50k_base")
      .describe("r50k_base is that of GPT-2"),
  }),
  create: async ({ encoding }): Promise<ITokenizer> => {
    const { createGptTokenizer } = await import("./gpt-tokenizer.ts");
    return createGptTokenizer(encoding);
  },
});

/** The definitions of this package: ports `source` and `tokenizer`. */
export const definitions = [text, jsonl, markdown, parquet, huggingface, chempile, byte, char, gpt] as const;

declare module "@pipe/core" {
  interface InstalledDefinitions {
    "@pipe/data": typeof definitions;
  }
}
