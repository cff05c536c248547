import { PipeError } from "@pipe/core";
import type { InferenceSession, Tensor } from "onnxruntime-node";
import { readTextModelFiles, type TextModelKind } from "./text-model-files.ts";

/** Where a model lies, and how it runs. */
export type TextModelOptions = {
  readonly folder: string;
  /** The model's file in there, such as one of a quantised variant; default `model.onnx` or `onnx/model.onnx`. */
  readonly file?: string;
  /** Threads of one product; default all cores. */
  readonly threads?: number;
  /** Tokens of one text at most; default what the model was trained with. */
  readonly maxTokens?: number;
};

/** A text, or a pair of them, as tokens. */
export type EncodedText = { readonly ids: readonly number[]; readonly types: readonly number[] };

/** What a model says of some texts that ran together, each padded to the same length. */
export type TextModelOutput = { readonly data: Float32Array; readonly dims: readonly number[] };

type Runtime = typeof import("onnxruntime-node");
type Encoder = {
  encode(
    text: string,
    options: { readonly text_pair: string | null; readonly return_token_type_ids: true },
  ): { readonly ids: readonly (number | undefined)[]; readonly token_type_ids: readonly number[] };
};

/** Tokens of one run at most, padding included: more is no faster, and takes memory. */
const runTokens = 2048;

/** A model in ONNX that reads texts, with its tokenizer. */
export class TextModel {
  /** Names the model by its bytes, and how much of a text it reads. */
  readonly id: string;
  readonly #maxTokens: number;
  readonly #runtime: Runtime;
  readonly #session: InferenceSession;
  readonly #tokenizer: Encoder;

  private constructor(
    { hash, maxTokens }: { readonly hash: string; readonly maxTokens: number },
    runtime: Runtime,
    session: InferenceSession,
    tokenizer: Encoder,
  ) {
    this.id = `onnx:${hash.slice(0, 16)}:${maxTokens}`;
    this.#maxTokens = maxTokens;
    this.#runtime = runtime;
    this.#session = session;
    this.#tokenizer = tokenizer;
  }

  /** Loads a model. @throws PipeError `<port>-missing`, `<port>-unsupported`. */
  static async open({ folder, file, threads, maxTokens }: TextModelOptions, kind: TextModelKind): Promise<TextModel> {
    const files = await readTextModelFiles(folder, kind, file);
    const runtime = await load(
      () => import("onnxruntime-node"),
      "ONNXRUNTIME_NODE_INSTALL=skip npm install onnxruntime-node",
      kind,
    );
    const tokenizers = await load(() => import("@huggingface/tokenizers"), "npm install @huggingface/tokenizers", kind);
    try {
      const session = await runtime.InferenceSession.create(files.model, {
        logSeverityLevel: 3,
        ...(threads === undefined ? {} : { intraOpNumThreads: threads }),
      });
      const tokenizer = new tokenizers.Tokenizer(files.tokenizer, {}) as unknown as Encoder;
      const limits = { hash: files.hash, maxTokens: maxTokens ?? files.maxTokens };
      const model = new TextModel(limits, runtime, session, tokenizer);
      model.encode("a"); // a tokenizer may lack something that shows only then
      return model;
    } catch (cause) {
      throw new PipeError(`${kind.port}-unsupported`, `A ${kind.called} could not be loaded.`, {
        got: (cause as Error).message,
        where: folder,
        cause,
      });
    }
  }

  /** Tokens of a text, or of a pair, cut so that the closing special token stays. */
  encode(text: string, pair?: string): EncodedText {
    const options = { text_pair: pair ?? null, return_token_type_ids: true } as const;
    const { ids: all, token_type_ids: kinds } = this.#tokenizer.encode(text, options);
    // A vocabulary without a token for unknown words gives none.
    const kept = all.flatMap((id, at) => (id === undefined ? [] : [{ id, type: kinds[at] ?? 0 }]));
    const cut = kept.length <= this.#maxTokens ? kept : [...kept.slice(0, this.#maxTokens - 1), kept.at(-1)!];
    return { ids: cut.map(({ id }) => id), types: cut.map(({ type }) => type) };
  }

  /**
   * Runs texts, those of similar length together so that little is padded.
   * @param read takes what was said of a row of a run, which has so many tokens.
   * @returns what it took, in the order of the texts.
   */
  async each<T>(
    texts: readonly EncodedText[],
    read: (output: TextModelOutput, row: number, tokens: number) => T,
  ): Promise<T[]> {
    const sorted = texts.map((text, place) => ({ place, text, length: text.ids.length }));
    sorted.sort((a, b) => a.length - b.length);
    const taken: T[] = [];
    for (let begin = 0; begin < sorted.length;) {
      let end = begin + 1;
      while (end < sorted.length && (end + 1 - begin) * sorted[end]!.length <= runTokens) end++;
      const group = sorted.slice(begin, end);
      const output = await this.#run(group.map(({ text }) => text));
      for (const [row, { place, length }] of group.entries()) taken[place] = read(output, row, length);
      begin = end;
    }
    return taken;
  }

  async #run(rows: readonly EncodedText[]): Promise<TextModelOutput> {
    const length = Math.max(...rows.map(({ ids }) => ids.length));
    const tensor = (valueOf: (row: EncodedText, at: number) => number): Tensor => {
      const data = new BigInt64Array(rows.length * length);
      for (const [r, row] of rows.entries())
        for (let at = 0; at < row.ids.length; at++) data[r * length + at] = BigInt(valueOf(row, at));
      return new this.#runtime.Tensor("int64", data, [rows.length, length]);
    };
    const inputs: { [name: string]: Tensor } = {
      input_ids: tensor(({ ids }, at) => ids[at]!),
      attention_mask: tensor(() => 1),
    };
    if (this.#session.inputNames.includes("token_type_ids"))
      inputs["token_type_ids"] = tensor(({ types }, at) => types[at]!);
    const [name] = this.#session.outputNames;
    const { data, dims } = (await this.#session.run(inputs, [name!]))[name!]!;
    return { data: data as Float32Array, dims };
  }
}

async function load<M>(bring: () => Promise<M>, install: string, { port, called }: TextModelKind): Promise<M> {
  try {
    return await bring();
  } catch (cause) {
    throw new PipeError(`${port}-missing`, `A package that runs a ${called} is not installed.`, {
      got: (cause as Error).message,
      fix: install,
      cause,
    });
  }
}
