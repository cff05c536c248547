import { readFile } from "node:fs/promises";
import { resolve } from "node:path";
import { type ITokenizer, messageOf, PipeError } from "@pipe/core";
import { createByteTokenizer } from "./byte-tokenizer.ts";
import { createCharTokenizer } from "./char-tokenizer.ts";
import { gptEncodings, type GptEncoding } from "./gpt-encodings.ts";
import { createGptTokenizer } from "./gpt-tokenizer.ts";
import { visible } from "./hugging-face-file.ts";
import { ANY_CHARACTER } from "./hugging-face-tokenizer.ts";

type TokenizerFile = {
  readonly kind?: string;
  readonly characters?: readonly string[];
  readonly added_tokens?: readonly { readonly id: number; readonly content: string }[] | null;
  readonly pre_tokenizer?: { readonly type?: string; readonly pattern?: { readonly Regex?: string } } | null;
  readonly model?: {
    readonly type?: string;
    readonly vocab?: { readonly [token: string]: number } | null;
    readonly merges?: readonly unknown[] | null;
  } | null;
};

/**
 * Makes the tokenizer that a `tokenizer.json` describes: ours for `byte` and `char`, and Hugging Face's form of these and
 * of a GPT encoding, which are recognised by comparing the whole vocabulary.
 *
 * @param source the contents of the file (begins with `{`), or its path.
 * @throws PipeError `tokenizer-missing`, `tokenizer-damaged`, `tokenizer-unsupported` naming the model type.
 */
export async function loadTokenizer(source: string): Promise<ITokenizer> {
  const isText = source.trimStart().startsWith("{");
  const where = isText ? "the text given" : resolve(source);
  const text = isText ? source : await read(source, where);
  let file: unknown;
  try {
    file = JSON.parse(text);
  } catch (cause) {
    throw new PipeError("tokenizer-damaged", "A tokenizer.json is not valid JSON.", {
      got: messageOf(cause),
      where,
      cause,
    });
  }
  if (!isTokenizerFile(file)) {
    throw new PipeError("tokenizer-damaged", "A tokenizer.json has fields of other types than a tokenizer has.", {
      expected: "an object with added_tokens, model and vocab as tokenizers writes them, or kind and characters",
      where,
    });
  }
  if (file.kind === "byte") return createByteTokenizer();
  if (file.kind === "char" && Array.isArray(file.characters)) return createCharTokenizer(file.characters);
  return simple(file) ?? recognise(file, where);
}

function isTokenizerFile(value: unknown): value is TokenizerFile {
  if (!isRecord(value)) return false;
  const { model, characters, added_tokens: added } = value;
  const isText = (each: unknown): boolean => typeof each === "string";
  return (
    (isMissing(model) || (isRecord(model) && (isMissing(model["vocab"]) || isRecord(model["vocab"])))) &&
    (isMissing(characters) || (Array.isArray(characters) && characters.every(isText))) &&
    (isMissing(added) || (Array.isArray(added) && added.every(isRecord)))
  );
}

function isMissing(value: unknown): value is null | undefined {
  return value === null || value === undefined;
}

function isRecord(value: unknown): value is { readonly [field: string]: unknown } {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** The tokenizer of single bytes or characters that a file in Hugging Face's form describes, if it does. */
function simple({ model, added_tokens, pre_tokenizer: split }: TokenizerFile): ITokenizer | undefined {
  const added = added_tokens ?? [];
  const { type, vocab, merges } = { ...model, vocab: model?.vocab ?? {}, merges: model?.merges ?? [] };
  if (type === "BPE" && merges.length === 0 && split?.type === "ByteLevel") {
    const bytes = Array.from({ length: 256 }, (_, byte) => vocab[visible(String.fromCharCode(byte))]);
    const isByte = bytes.every((id, byte) => id === byte) && Object.keys(vocab).length === 257;
    const byte = createByteTokenizer();
    if (isByte && added.length === 1 && added[0]!.id === byte.endOfText) return byte;
  }
  if (type === "WordLevel" && added.length === 0 && split?.pattern?.Regex === ANY_CHARACTER) {
    const characters = Object.keys(vocab);
    if (characters.some((each) => Array.from(each).length !== 1)) return undefined;
    const char = createCharTokenizer(characters);
    if (characters.every((each) => char.encode(each)[0] === vocab[each])) return char;
  }
  return undefined;
}

async function read(path: string, where: string): Promise<string> {
  try {
    return await readFile(path, "utf8");
  } catch (cause) {
    throw new PipeError("tokenizer-missing", "The tokenizer.json cannot be read.", {
      where,
      got: messageOf(cause),
      cause,
    });
  }
}

async function recognise(file: TokenizerFile, where: string): Promise<ITokenizer> {
  const { vocab, type } = file.model ?? {};
  const added = new Map((file.added_tokens ?? []).map(({ content, id }) => [content, id]));
  if (type === "BPE" && !isMissing(vocab)) {
    const ordinary = Object.entries(vocab).filter(([token]) => !added.has(token));
    for (const [name, rules] of Object.entries(gptEncodings)) {
      if (rules.ordinary !== ordinary.length) continue;
      const tokens = (await rules.ranks()).default;
      const same = tokens.every((token, id) => vocab[visible(Buffer.from(token).toString("latin1"))] === id);
      const sameSpecials = [...added].every(([token, id]) => rules.specials[token] === id);
      if (same && sameSpecials) return createGptTokenizer(name as GptEncoding);
    }
  }
  const size = isMissing(vocab) ? "" : ` with a vocabulary of ${Object.keys(vocab).length}`;
  throw new PipeError("tokenizer-unsupported", "This tokenizer.json is none of the tokenizers that we know.", {
    expected: `byte, char, or the BPE vocabulary and special tokens of ${Object.keys(gptEncodings).join(", ")}`,
    got: `${type ?? file.kind ?? "no model type"}${size}`,
    where,
  });
}
