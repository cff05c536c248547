const wordPattern = /[\p{L}\p{N}_][\p{L}\p{N}\p{M}_]*/gu;

/** The words of a text with the places where they begin. */
export function* wordsOf(text: string): Generator<{ readonly word: string; readonly begin: number }> {
  for (const match of text.matchAll(wordPattern)) yield { word: match[0], begin: match.index };
}
