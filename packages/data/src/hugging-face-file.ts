import { PipeError } from "@pipe/core";
import { bytePairMerger } from "./byte-pair-merge.ts";
import { type EncodingRules, huggingFacePattern } from "./gpt-encodings.ts";
import { bytePairModel, PLAIN_FILE, specialToken } from "./hugging-face-parts.ts";

/**
 * Writes an encoding as Hugging Face's `tokenizer.json`: a byte-level BPE model whose merges are derived from the ranks.
 * A token's merge is the pair that is left when its bytes are merged by the tokens of lower rank only.
 */
export function huggingFaceFile(rules: EncodingRules, ranks: ReadonlyMap<string, number>): string {
  const merge = bytePairMerger(ranks);
  const vocab: { [token: string]: number } = {};
  const merges: [string, string][] = [];
  for (const [token, rank] of [...ranks].sort((a, b) => a[1] - b[1])) {
    vocab[visible(token)] = rank;
    if (token.length === 1) continue;
    const parts = merge(token, rank);
    if (parts.length !== 2) {
      throw new PipeError("ranks-invalid", "A token cannot be made by merging two others.", {
        got: `${JSON.stringify(token)} from ${parts.length} parts`,
        where: `rank ${rank}`,
      });
    }
    merges.push([visible(parts[0]!), visible(parts[1]!)]);
  }
  const byteLevel = { type: "ByteLevel", add_prefix_space: false, trim_offsets: true };
  const split = {
    type: "Split",
    pattern: { Regex: huggingFacePattern(rules.pattern) },
    behavior: "Isolated",
    invert: false,
  };
  return JSON.stringify({
    ...PLAIN_FILE,
    added_tokens: Object.entries(rules.specials).map(([content, id]) => specialToken(content, id)),
    pre_tokenizer: { type: "Sequence", pretokenizers: [split, { ...byteLevel, use_regex: false }] },
    post_processor: { ...byteLevel, trim_offsets: false, use_regex: true },
    decoder: { ...byteLevel, use_regex: true },
    // Special tokens stand here too: otherwise they would get new ids where the vocabulary has holes.
    model: bytePairModel({ ...vocab, ...rules.specials }, merges, rules.wholeWords),
  });
}

/** GPT-2's printable characters for bytes: those that are printable stand for themselves, others follow from U+0100 on. */
const byteCharacters: readonly string[] = (() => {
  const printable = (byte: number): boolean => (byte > 0x20 && byte < 0x7f) || (byte > 0xa0 && byte !== 0xad);
  let other = 0;
  return Array.from({ length: 256 }, (_, byte) => String.fromCharCode(printable(byte) ? byte : 0x100 + other++));
})();

/** A byte string in GPT-2's printable characters. */
export function visible(bytes: string): string {
  let text = "";
  for (let at = 0; at < bytes.length; at++) text += byteCharacters[bytes.charCodeAt(at)]!;
  return text;
}
