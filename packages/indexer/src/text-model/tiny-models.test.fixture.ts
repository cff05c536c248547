import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterAll, beforeAll } from "vitest";

/** Words 3, 4 and 5 between [CLS] 1 and [SEP] 2. */
const tinyTokenizer = {
  version: "1.0",
  decoder: null,
  truncation: { max_length: 6 },
  normalizer: { type: "Lowercase" },
  pre_tokenizer: { type: "Whitespace" },
  post_processor: {
    type: "TemplateProcessing",
    single: [
      { SpecialToken: { id: "[CLS]", type_id: 0 } },
      { Sequence: { id: "A", type_id: 0 } },
      { SpecialToken: { id: "[SEP]", type_id: 0 } },
    ],
    pair: [
      { SpecialToken: { id: "[CLS]", type_id: 0 } },
      { Sequence: { id: "A", type_id: 0 } },
      { SpecialToken: { id: "[SEP]", type_id: 0 } },
      { Sequence: { id: "B", type_id: 1 } },
      { SpecialToken: { id: "[SEP]", type_id: 1 } },
    ],
    special_tokens: {
      "[CLS]": { id: "[CLS]", ids: [1], tokens: ["[CLS]"] },
      "[SEP]": { id: "[SEP]", ids: [2], tokens: ["[SEP]"] },
    },
  },
  added_tokens: [],
  model: {
    type: "WordLevel",
    unk_token: "[PAD]",
    vocab: { "[PAD]": 0, "[CLS]": 1, "[SEP]": 2, red: 3, green: 4, blue: 5 },
  },
};

/** Makes folders of a model for the tests of a file. */
export function tinyModels(model: Uint8Array) {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "pipe-text-model-"));
  });
  afterAll(() => rm(folder, { recursive: true }));
  return {
    folder: (): string => folder,
    /** Files that are objects become JSON. */
    make: async (name: string, files: { readonly [path: string]: unknown } = {}): Promise<string> => {
      const place = join(folder, name);
      const all = { "onnx/model.onnx": model, "tokenizer.json": tinyTokenizer, ...files };
      for (const [path, value] of Object.entries(all)) {
        await mkdir(dirname(join(place, path)), { recursive: true });
        const isRaw = typeof value === "string" || value instanceof Uint8Array;
        await writeFile(join(place, path), isRaw ? value : JSON.stringify(value));
      }
      return place;
    },
  };
}
