import { eachTerm } from "../lexical/terms.ts";
import { wordsOf } from "./words.ts";

/** Characters of a snippet, about. */
const size = 200;

/** A short extract of a passage, and where the words of the query stand in it. */
export type Snippet = { readonly snippet: string; readonly highlights: readonly (readonly [number, number])[] };

/** Lines that say nothing when they stand in another one: those that begin and end code, rule tables or divide a page. */
const frames = /^(?:[ \t>]*(?:`{3,}|~{3,}).*|[ \t>|:-]+)$/gm;

/** An extract of a text around the place where most of the terms stand, in one line, with those marked. */
export function snippetOf(text: string, terms: readonly string[]): Snippet {
  const line = text.replaceAll(frames, "").replaceAll(/\s+/g, " ").trim();
  const marks = marksOf(line, new Set(terms));
  if (line.length <= size) return { snippet: line, highlights: marks.map(({ begin, end }) => [begin, end]) };
  let best = { begin: 0, terms: 0 };
  for (const [index, { begin }] of marks.entries()) {
    const near = new Set<string>();
    for (let next = index; next < marks.length && marks[next]!.end <= begin + size * 0.8; next++)
      near.add(marks[next]!.term);
    if (near.size > best.terms) best = { begin, terms: near.size };
  }
  const begin = wordBegin(line, Math.min(Math.max(0, best.begin - size * 0.1), line.length - size));
  const end = begin + size + 20 >= line.length ? line.length : wordBegin(line, begin + size);
  const head = begin > 0 ? "…" : "";
  const body = line.slice(begin, end);
  const shift = head.length - begin - (body.length - body.trimStart().length);
  const inside = marks.filter((mark) => mark.begin >= begin && mark.end <= end);
  return {
    snippet: `${head}${body.trim()}${end < line.length ? "…" : ""}`,
    highlights: inside.map((mark) => [mark.begin + shift, mark.end + shift]),
  };
}

/** Words that share a term with the query: the same stem, a part of a joined name, a pair of characters. */
function marksOf(line: string, terms: ReadonlySet<string>): { term: string; begin: number; end: number }[] {
  if (terms.size === 0) return [];
  const marks: { term: string; begin: number; end: number }[] = [];
  const begins = new Set(Array.from(terms, (term) => term.slice(0, 2)));
  for (const { word, begin } of wordsOf(line)) {
    // A stem begins as its word does: most words need not be stemmed.
    if (/^[A-Za-z][a-z]*$/.test(word) && !begins.has(word.slice(0, 2).toLowerCase())) continue;
    let found: string | undefined;
    eachTerm(word, (term) => {
      if (found === undefined && terms.has(term)) found = term;
    });
    if (found === undefined) continue;
    // In a script without spaces a whole sentence is one word, and names of code may be as long.
    const at = word.length > 24 ? word.toLowerCase().indexOf(found) : -1;
    const [from, to] = at < 0 ? [0, word.length] : [at, at + found.length];
    marks.push({ term: found, begin: begin + from, end: begin + to });
  }
  return marks;
}

/** The begin of the word that holds a place. */
function wordBegin(line: string, place: number): number {
  if (place >= line.length) return line.length;
  const space = line.lastIndexOf(" ", place);
  // Text without spaces is cut where it is, but not inside a surrogate pair.
  if (place - space > 30) return place - ((line.charCodeAt(place) & 0xfc00) === 0xdc00 ? 1 : 0);
  return space + 1;
}
