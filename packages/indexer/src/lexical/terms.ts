import { stem } from "./stem.ts";
import { stopWords } from "./stop-words.ts";

const wordPattern = /[\p{L}\p{N}_][\p{L}\p{N}\p{M}_]*/gu;
/** Where a name is joined of several words: `camelCase`, `HTMLParser`, `snake_case`, `utf8`. */
const seam = /_+|(?<=\p{Ll})(?=\p{Lu})|(?<=\p{Lu})(?=\p{Lu}\p{Ll})/u;
const joined = /_|\p{Ll}\p{Lu}|\p{Lu}\p{Lu}\p{Ll}/u;
/** Scripts that are written without spaces. */
const unspaced = /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Thai}]/u;

/** Longer ones are cut: they are data, not words. */
const longest = 64;
const mostCached = 100_000;
const stems = new Map<string, string>();

/**
 * Calls back with each term of a text, in order: words in lower case and stemmed; names joined of several words whole and
 * in parts; pairs of characters where a script has no spaces.
 *
 * @param take gets a term and whether it is a stop word.
 */
export function eachTerm(text: string, take: (term: string, stop: boolean) => void): void {
  for (const [word] of text.matchAll(wordPattern)) {
    if (joined.test(word)) {
      const parts = word.split(seam).filter((part) => part !== "");
      if (parts.length > 1) take(cut(word.toLowerCase()), false);
      for (const part of parts) takeWord(part.toLowerCase(), take);
    } else {
      takeWord(word.toLowerCase(), take);
    }
  }
}

function takeWord(word: string, take: (term: string, stop: boolean) => void): void {
  // oxlint-disable-next-line no-control-regex -- the quick way for nearly all words
  if (/^[\x00-\x7f]+$/.test(word)) return take(stemmed(word), stopWords.has(word));
  if (!unspaced.test(word)) return take(cut(word.normalize("NFKC").toLowerCase()), false);
  const characters = Array.from(word);
  if (characters.length === 1) return take(word, false);
  for (let at = 0; at + 1 < characters.length; at++) take(characters[at]! + characters[at + 1]!, false);
}

/** The begin of a long word, without half a character at its end. */
function cut(word: string): string {
  return word.length <= longest ? word : word.slice(0, longest).replace(/[\ud800-\udbff]$/, "");
}

function stemmed(word: string): string {
  let found = stems.get(word);
  if (found === undefined) {
    found = stem(cut(word));
    if (stems.size >= mostCached) stems.clear();
    stems.set(word, found);
  }
  return found;
}

/** Terms of a query at most: more make no better search. */
const most = 64;

/** The distinct terms of a query; stop words only where there is nothing else. */
export function queryTerms(query: string): string[] {
  const all = new Set<string>();
  const telling = new Set<string>();
  eachTerm(query, (term, stop) => {
    all.add(term);
    if (!stop) telling.add(term);
  });
  return [...(telling.size > 0 ? telling : all)].slice(0, most);
}
