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
  readonly added_tokens?: readonly { readonly id: number; readonly content: string }[];
  readonly pre_tokenizer?: { readonly type?: string; readonly pattern?: { readonly Regex?: string } } | null;
  readonly model?: {
    readonly type?: string;
    readonly vocab?: { readonly [token: string]: number };
    readonly merges?: readonly unknown[];
  };
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
  let file: TokenizerFile;
  try {
    file = JSON.parse(text) as TokenizerFile;
  } catch (cause) {
    throw new PipeError("tokenizer-damaged", "A tokenizer.json is not valid JSON.", {
      got: messageOf(cause),
      where,
      cause,
    });
  }
  if (file.kind === "byte") return createByteTokenizer();
  if (file.kind === "char" && Array.isArray(file.characters)) return createCharTokenizer(file.characters);
  return simple(file) ?? recognise(file, where);
}

/** The tokenizer of single bytes or characters that a file in Hugging Face's form describes, if it does. */
function simple({ model, added_tokens: added = [], pre_tokenizer: split }: TokenizerFile): ITokenizer | undefined {
  const { type, vocab = {}, merges = [] } = model ?? {};
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
  if (type === "BPE" && vocab !== undefined) {
    const ordinary = Object.entries(vocab).filter(([token]) => !added.has(token));
    for (const [name, rules] of Object.entries(gptEncodings)) {
      if (rules.ordinary !== ordinary.length) continue;
      const tokens = (await rules.ranks()).default;
      const same = tokens.every((token, id) => vocab[visible(Buffer.from(token).toString("latin1"))] === id);
      const sameSpecials = [...added].every(([token, id]) => rules.specials[token] === id);
      if (same && sameSpecials) return createGptTokenizer(name as GptEncoding);
    }
  }
  const size = vocab === undefined ? "" : ` with a vocabulary of ${Object.keys(vocab).length}`;
  throw new PipeError("tokenizer-unsupported", "This tokenizer.json is none of the tokenizers that we know.", {
    expected: `byte, char, or the BPE vocabulary and special tokens of ${Object.keys(gptEncodings).join(", ")}`,
    got: `${type ?? file.kind ?? "no model type"}${size}`,
    where,
  });
}
