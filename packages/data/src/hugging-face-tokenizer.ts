import { type ITokenizer, PipeError } from "@pipe/core";
import { visible } from "./hugging-face-file.ts";
import { bytePairModel, PLAIN_FILE, specialToken } from "./hugging-face-parts.ts";

/** A regular expression of Hugging Face's tokenizers for any one character. */
export const ANY_CHARACTER = String.raw`[\s\S]`;

const BYTE_LEVEL = { type: "ByteLevel", add_prefix_space: false, trim_offsets: true, use_regex: false };

/**
 * The files by which Hugging Face's `transformers` makes an equal tokenizer: `tokenizer.json` in the form of its package
 * `tokenizers`, and `tokenizer_config.json`. There, unlike here, the text of a special token is that token.
 *
 * @param positions the longest text of the model, in tokens.
 * @throws PipeError `tokenizer-unsupported` for a tokenizer that is none of this package's.
 */
export function huggingFaceTokenizer(tokenizer: ITokenizer, positions: number): { readonly [name: string]: string } {
  const end = tokenizer.endOfText === undefined ? null : "<|endoftext|>";
  const config = {
    tokenizer_class: "PreTrainedTokenizerFast",
    bos_token: end,
    eos_token: end,
    model_max_length: positions,
    clean_up_tokenization_spaces: false,
  };
  return {
    "tokenizer.json": fileOf(tokenizer),
    "tokenizer_config.json": `${JSON.stringify(config, null, 2)}\n`,
  };
}

function fileOf(tokenizer: ITokenizer): string {
  const text = tokenizer.file();
  const file = JSON.parse(text) as {
    readonly kind?: string;
    readonly characters?: readonly string[];
    readonly model?: object;
  };
  if (file.model !== undefined) return text;
  if (file.kind === "byte") return JSON.stringify(byteFile(tokenizer.endOfText!));
  if (file.kind === "char") return JSON.stringify(charFile(file.characters!));
  throw new PipeError("tokenizer-unsupported", "A tokenizer has no form that transformers knows.", {
    expected: "byte, char, or a GPT encoding",
    got: tokenizer.id,
  });
}

/** Byte pairs without any pair. */
function byteFile(endOfText: number): object {
  const bytes = Array.from({ length: 256 }, (_, byte) => [visible(String.fromCharCode(byte)), byte] as const);
  return {
    ...PLAIN_FILE,
    added_tokens: [specialToken("<|endoftext|>", endOfText)],
    pre_tokenizer: BYTE_LEVEL,
    post_processor: null,
    decoder: BYTE_LEVEL,
    model: bytePairModel({ ...Object.fromEntries(bytes), "<|endoftext|>": endOfText }, [], false),
  };
}

/** Every character a word; one that is not in the vocabulary is an error there as here, as the unknown token is in none. */
function charFile(characters: readonly string[]): object {
  return {
    ...PLAIN_FILE,
    pre_tokenizer: { type: "Split", pattern: { Regex: ANY_CHARACTER }, behavior: "Isolated", invert: false },
    post_processor: null,
    decoder: { type: "Fuse" },
    model: {
      type: "WordLevel",
      vocab: Object.fromEntries(characters.map((character, id) => [character, id])),
      unk_token: "<unknown>",
    },
  };
}
