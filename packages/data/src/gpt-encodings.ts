/** Names of the GPT encodings: GPT-2 and GPT-3, Codex, GPT-4, GPT-4o. */
export type GptEncoding = "r50k_base" | "p50k_base" | "cl100k_base" | "o200k_base";

/** What defines an encoding beside its ranks. */
export type EncodingRules = {
  /** Splits text into words; `\s` means Unicode's White_Space and `$` the end of the text. */
  readonly pattern: string;
  readonly specials: { readonly [token: string]: number };
  /** Number of ordinary tokens; names the encoding when a file is read. */
  readonly ordinary: number;
  /** Whether a word that is a token is taken whole without merging; GPT-2's own tokenizer.json does not say so. */
  readonly wholeWords: boolean;
  ranks(): Promise<{ readonly default: readonly (string | readonly number[])[] }>;
};

const gpt2Pattern = String.raw`'(?:[sdmt]|ll|ve|re)| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+`;
// "ſ" (U+017F) is a form of "s" where case is ignored, as the original patterns do.
const suffix = String.raw`'(?:[sSſ]|[dD]|[mM]|[tT]|[lL][lL]|[vV][eE]|[rR][eE])`;
const upper = String.raw`\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}`;
const lower = String.raw`\p{Ll}\p{Lm}\p{Lo}\p{M}`;

/** The encodings whose ranks gpt-tokenizer ships, with the patterns of tiktoken. */
export const gptEncodings: { readonly [name in GptEncoding]: EncodingRules } = {
  r50k_base: {
    pattern: gpt2Pattern,
    specials: { "<|endoftext|>": 50256 },
    ordinary: 50256,
    wholeWords: false,
    ranks: () => import("gpt-tokenizer/bpeRanks/r50k_base"),
  },
  p50k_base: {
    pattern: gpt2Pattern,
    specials: { "<|endoftext|>": 50256 },
    ordinary: 50280,
    wholeWords: false,
    ranks: () => import("gpt-tokenizer/bpeRanks/p50k_base"),
  },
  cl100k_base: {
    pattern: String.raw`${suffix}|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s+$|\s*[\r\n]|\s+(?!\S)|\s`,
    specials: {
      "<|endoftext|>": 100257,
      "<|fim_prefix|>": 100258,
      "<|fim_middle|>": 100259,
      "<|fim_suffix|>": 100260,
      "<|endofprompt|>": 100276,
    },
    ordinary: 100256,
    wholeWords: true,
    ranks: () => import("gpt-tokenizer/bpeRanks/cl100k_base"),
  },
  o200k_base: {
    pattern: String.raw`[^\r\n\p{L}\p{N}]?[${upper}]*[${lower}]+(?:${suffix})?|[^\r\n\p{L}\p{N}]?[${upper}]+[${lower}]*(?:${suffix})?|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+`,
    specials: { "<|endoftext|>": 199999, "<|endofprompt|>": 200018 },
    ordinary: 199998,
    wholeWords: true,
    ranks: () => import("gpt-tokenizer/bpeRanks/o200k_base"),
  },
};

/** A pattern for JavaScript, whose own `\s` has U+FEFF and lacks U+0085. */
export function wordPattern(pattern: string): RegExp {
  const spaces = pattern.replaceAll(String.raw`\s`, String.raw`\p{White_Space}`);
  return new RegExp(spaces.replaceAll(String.raw`\S`, String.raw`\P{White_Space}`), "gu");
}

/** A pattern for Hugging Face's tokenizers, where `$` would be the end of a line. */
export function huggingFacePattern(pattern: string): string {
  return pattern.replace("$", String.raw`\z`);
}
