import type { SourceRange } from "./markdown-parser.ts";

/**
 * Splits a range of the source into ranges of at most `budget` characters that tile it, between paragraphs, else lines,
 * else sentences, else words. An atom that fits the budget is not cut.
 *
 * @param first the budget of the first range.
 */
export function splitRange(
  source: string,
  range: SourceRange,
  atoms: readonly SourceRange[],
  budget: number,
  first: number,
): SourceRange[] {
  const whole = atoms.filter(({ begin, end }) => begin < range.end && end > range.begin && end - begin <= budget);
  const ranges: SourceRange[] = [];
  let begin = range.begin;
  let room = first;
  while (range.end - begin > room) {
    const end = cut(source, begin, begin + room, whole);
    ranges.push({ begin, end });
    begin = end;
    room = budget;
  }
  ranges.push({ begin, end: range.end });
  return ranges;
}

/** Where a range that begins at `begin` ends, at `limit` at the latest. */
function cut(source: string, begin: number, limit: number, atoms: readonly SourceRange[]): number {
  const window = source.slice(begin, limit);
  const half = window.length / 2;
  const paragraph = window.lastIndexOf("\n\n") + 2;
  const line = window.lastIndexOf("\n") + 1;
  const wanted = begin + (paragraph > half ? paragraph : line);
  const atom = atoms.find((atom) => atom.begin < wanted && wanted < atom.end);
  const place = atom === undefined ? wanted : source.lastIndexOf("\n", atom.begin) + 1;
  if (place > begin) return place;
  const sentence = lastMatch(window, /[.!?。！？]["')\]]*\s+/g);
  if (sentence > half) return begin + sentence;
  const word = lastMatch(window, /\s+/g);
  if (word > 0) return begin + word;
  // A surrogate pair stays together.
  const high = (source.charCodeAt(limit - 1) & 0xfc00) === 0xd800;
  return high && limit - 1 > begin ? limit - 1 : limit;
}

/** Where the last match ends, 0 without one. */
function lastMatch(text: string, pattern: RegExp): number {
  let end = 0;
  for (const match of text.matchAll(pattern)) end = match.index + match[0].length;
  return end;
}
