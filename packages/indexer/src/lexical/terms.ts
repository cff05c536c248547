import { stem } from "./stem.ts";
import { stopWords } from "./stop-words.ts";
import { WordScanner } from "./word-scanner.ts";

// oxlint-disable-next-line no-control-regex -- what is plain
const plain = /^[\x00-\x7f]*$/;
/** Where a name is joined of several words: `camelCase`, `HTMLParser`, `snake_case`, `utf8`. */
const seam = /_+|(?<=\p{Ll})(?=\p{Lu})|(?<=\p{Lu})(?=\p{Lu}\p{Ll})/u;
const joined = /_|\p{Ll}\p{Lu}|\p{Lu}\p{Lu}\p{Ll}/u;
/** Scripts that are written without spaces. */
const unspaced = /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Thai}]/u;

/** Longer ones are cut: they are data, not words. */
const longest = 64;

type Term = { readonly term: string; readonly stop: boolean };
const words = new WordScanner(termsOf);

/**
 * Calls back with each term of a text, in order: words in lower case and stemmed; names joined of several words whole and
 * in parts; pairs of characters where a script has no spaces.
 *
 * @param take gets a term and whether it is a stop word.
 */
export function eachTerm(text: string, take: (term: string, stop: boolean) => void): void {
  words.scan(text, (terms) => {
    for (const { term, stop } of terms) take(term, stop);
  });
}

function termsOf(word: string): readonly Term[] {
  return joined.test(word) ? namesOf(word) : wordsOf(word.toLowerCase());
}

function namesOf(word: string): Term[] {
  const parts = word.split(seam).filter((part) => part !== "");
  const whole = parts.length > 1 ? [{ term: cut(word.toLowerCase()), stop: false }] : [];
  return [...whole, ...parts.flatMap((part) => wordsOf(part.toLowerCase()))];
}

function wordsOf(word: string): Term[] {
  if (plain.test(word)) return [{ term: stem(cut(word)), stop: stopWords.has(word) }];
  if (!unspaced.test(word)) return [{ term: cut(word.normalize("NFKC").toLowerCase()), stop: false }];
  const characters = Array.from(word);
  if (characters.length === 1) return [{ term: word, stop: false }];
  return characters.slice(1).map((character, at) => ({ term: characters[at]! + character, stop: false }));
}

/** The begin of a long word, without half a character at its end. */
function cut(word: string): string {
  return word.length <= longest ? word : word.slice(0, longest).replace(/[\ud800-\udbff]$/, "");
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
