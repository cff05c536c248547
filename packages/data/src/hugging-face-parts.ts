/** The first fields of a `tokenizer.json`, none of them used; a spread of them keeps the order. */
export const PLAIN_FILE = { version: "1.0", truncation: null, padding: null, added_tokens: [], normalizer: null };

/** A special token of a `tokenizer.json`. */
export function specialToken(content: string, id: number): object {
  return { id, content, single_word: false, lstrip: false, rstrip: false, normalized: false, special: true };
}

/** The byte-pair model of a `tokenizer.json`; with `wholeWords` a word that is a token is not merged. */
export function bytePairModel(
  vocab: { readonly [token: string]: number },
  merges: readonly (readonly [string, string])[],
  wholeWords: boolean,
): object {
  return {
    type: "BPE",
    dropout: null,
    unk_token: null,
    continuing_subword_prefix: null,
    end_of_word_suffix: null,
    fuse_unk: false,
    byte_fallback: false,
    ignore_merges: wholeWords,
    vocab,
    merges,
  };
}
