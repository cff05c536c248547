/** Words of a query at most: more make no better search. */
const most = 64;

/** The distinct words of a text, in lower case. */
export function wordsOf(text: string): string[] {
  const words = text.toLowerCase().match(/[\p{L}\p{N}][\p{L}\p{N}\p{M}]*/gu) ?? [];
  return [...new Set(words)].slice(0, most);
}

/** An FTS5 expression that finds passages with any of the words; each is quoted, so that none is an operator. */
export function anyOf(words: readonly string[]): string {
  return words.map((word) => `"${word}"`).join(" OR ");
}
