import { PipeError } from "@pipe/core";
import type { TextModelKind } from "../text-model/text-model-files.ts";
import { TextModel, type TextModelOptions } from "../text-model/text-model.ts";

const kind: TextModelKind = {
  port: "reranker",
  called: "cross-encoder",
  example: "cross-encoder/ms-marco-MiniLM-L6-v2",
};

/** What a worker serves: one model, opened once. */
export function createCrossEncoderHost() {
  let model: TextModel;
  return {
    /** Loads a model and tries it. @returns its id. */
    async open(options: TextModelOptions): Promise<string> {
      model = await TextModel.open(options, kind);
      const [dims] = await model.each([model.encode("a", "a")], (output) => output.dims);
      if (dims!.slice(1).some((size) => size !== 1)) {
        throw new PipeError("reranker-unsupported", "A cross-encoder gives one score for a pair of texts.", {
          expected: "an output of one number a row",
          got: `one of ${dims!.slice(1).join(" × ")} numbers`,
          where: options.folder,
          fix: `choose a model that was trained to rerank, such as ${kind.example}`,
        });
      }
      return model.id;
    },
    rerank: (query: string, passages: readonly string[]): Promise<readonly number[]> => {
      const pairs = passages.map((passage) => model.encode(query, passage));
      return model.each(pairs, ({ data }, row) => data[row]!);
    },
  };
}

/** What the worker of a cross-encoder serves. */
export type CrossEncoderApi = ReturnType<typeof createCrossEncoderHost>;
