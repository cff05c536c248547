import { join } from "node:path";
import { type IEmbedder, PipeError } from "@pipe/core";
import { readModelJson, type TextModelKind } from "../text-model/text-model-files.ts";
import { TextModel, type TextModelOptions, type TextModelOutput } from "../text-model/text-model.ts";
import { normalised } from "./normalised.ts";

const kind: TextModelKind = {
  port: "embedder",
  called: "sentence embedding model",
  example: "sentence-transformers/all-MiniLM-L6-v2",
};

/** What becomes the vector: the mean over tokens, or the first token. */
type Pooling = "mean" | "cls";
type Opened = { readonly model: TextModel; readonly pooling: Pooling };

/** What a worker serves: one model, opened once. */
export function createSentenceHost() {
  let opened: Opened;
  return {
    /** Loads a model and measures one vector. */
    async open(options: TextModelOptions): Promise<IEmbedder["space"]> {
      const pooling = await poolingOf(options.folder);
      const model = await TextModel.open(options, kind);
      opened = { model, pooling };
      const [vector] = await embed(opened, ["a"]);
      return { id: model.id, dimensions: vector!.length };
    },
    embed: (texts: readonly string[]): Promise<readonly Float32Array[]> => embed(opened, texts),
  };
}

/** What the worker of a sentence embedder serves. */
export type SentenceApi = ReturnType<typeof createSentenceHost>;

async function poolingOf(folder: string): Promise<Pooling> {
  const config = await readModelJson(folder, "1_Pooling/config.json", kind);
  if (config === undefined || config["pooling_mode_mean_tokens"] === true) return "mean";
  if (config["pooling_mode_cls_token"] === true) return "cls";
  throw new PipeError("embedder-unsupported", "A sentence embedding model pools its tokens in an unknown way.", {
    expected: "the mean over tokens, or the first token",
    got: Object.keys(config)
      .filter((key) => config[key] === true)
      .join(", "),
    where: join(folder, "1_Pooling/config.json"),
  });
}

function embed({ model, pooling }: Opened, texts: readonly string[]): Promise<readonly Float32Array[]> {
  const encoded = texts.map((text) => model.encode(text));
  return model.each(encoded, (states, row, tokens) => pooled(states, row, pooling === "cls" ? 1 : tokens));
}

/** The mean direction of the first tokens of a row, of length 1. */
function pooled({ data, dims }: TextModelOutput, row: number, tokens: number): Float32Array {
  const [, length, width] = dims as readonly [number, number, number];
  const vector = new Float32Array(width);
  for (let t = 0; t < tokens; t++) {
    const at = (row * length + t) * width;
    for (let c = 0; c < width; c++) vector[c]! += data[at + c]!;
  }
  return normalised(vector);
}
