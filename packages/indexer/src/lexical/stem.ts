const vowelGroup = /[aeiou]|(?<=[^aeiou])y/;
/** Vowel–consonant sequences of a stem. */
const sequences = /(?:[aeiou]|(?<=[^aeiou])y)+(?:[^aeiouy]|(?<![^aeiou])y)+/g;
const doubled = /([^aeiouylsz])\1$/;
const shortEnd = /(?:^|[^aeiou])[aeiouy][^aeiouwxy]$/;

/** Rules with the longest ending first: it decides, whether it is replaced or not. */
const longestFirst = (rules: readonly (readonly [string, string])[]): readonly (readonly [string, string])[] =>
  rules.toSorted(([a], [b]) => b.length - a.length);

const second = longestFirst([
  ["ational", "ate"],
  ["tional", "tion"],
  ["enci", "ence"],
  ["anci", "ance"],
  ["izer", "ize"],
  ["abli", "able"],
  ["alli", "al"],
  ["entli", "ent"],
  ["eli", "e"],
  ["ousli", "ous"],
  ["ization", "ize"],
  ["ation", "ate"],
  ["ator", "ate"],
  ["alism", "al"],
  ["iveness", "ive"],
  ["fulness", "ful"],
  ["ousness", "ous"],
  ["aliti", "al"],
  ["iviti", "ive"],
  ["biliti", "ble"],
]);
const third = longestFirst([
  ["icate", "ic"],
  ["ative", ""],
  ["alize", "al"],
  ["iciti", "ic"],
  ["ical", "ic"],
  ["ful", ""],
  ["ness", ""],
]);
const fourth = longestFirst(
  "al ance ence er ic able ible ant ement ment ent ion ou ism ate iti ous ive ize".split(" ").map((end) => [end, ""]),
);

/** The stem of an English word in lower case, after Porter 1980; words with other letters stay as they are. */
export function stem(word: string): string {
  if (word.length < 3 || !/^[a-z]+$/.test(word)) return word;
  return tidy(suffixes(plural(word)));
}

function measure(stem: string): number {
  return stem.match(sequences)?.length ?? 0;
}

function plural(word: string): string {
  let w = word;
  if (w.endsWith("sses") || w.endsWith("ies")) w = w.slice(0, -2);
  else if (w.endsWith("s") && !w.endsWith("ss")) w = w.slice(0, -1);
  if (w.endsWith("eed")) {
    if (measure(w.slice(0, -3)) > 0) w = w.slice(0, -1);
  } else {
    const cut = w.endsWith("ed") ? 2 : w.endsWith("ing") ? 3 : 0;
    const base = w.slice(0, w.length - cut);
    if (cut > 0 && vowelGroup.test(base)) {
      if (/(?:at|bl|iz)$/.test(base)) w = `${base}e`;
      else if (doubled.test(base)) w = base.slice(0, -1);
      else if (measure(base) === 1 && shortEnd.test(base)) w = `${base}e`;
      else w = base;
    }
  }
  return w.endsWith("y") && vowelGroup.test(w.slice(0, -1)) ? `${w.slice(0, -1)}i` : w;
}

function suffixes(word: string): string {
  const w = replaced(replaced(word, second, 0), third, 0);
  return w.endsWith("ion") && !/[st]ion$/.test(w) ? w : replaced(w, fourth, 1);
}

/** The word by the first rule whose ending it has, where what stands before measures more than so much. */
function replaced(word: string, rules: readonly (readonly [string, string])[], above: number): string {
  const rule = rules.find(([from]) => word.endsWith(from));
  if (rule === undefined) return word;
  const base = word.slice(0, -rule[0].length);
  return measure(base) > above ? base + rule[1] : word;
}

function tidy(word: string): string {
  let w = word;
  if (w.endsWith("e")) {
    const base = w.slice(0, -1);
    const count = measure(base);
    if (count > 1 || (count === 1 && !shortEnd.test(base))) w = base;
  }
  return w.endsWith("ll") && measure(w) > 1 ? w.slice(0, -1) : w;
}
