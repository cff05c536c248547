import type { MarkdownAtom, MarkdownDocument, SourceRange } from "./markdown-document.ts";

/**
 * Splits a range of the source into ranges of about `budget` characters that tile it: between nested blocks, the outermost
 * first, else paragraphs, sentences, lines, words; inside of code and tables between lines. An atom of at most `tolerance`
 * characters is not cut, even where it exceeds the budget.
 *
 * @param options.first the budget of the first range; default `budget`.
 * @param options.tolerance default four times the budget.
 */
export function splitRange(
  { source, atoms, seams }: Pick<MarkdownDocument, "source" | "atoms" | "seams">,
  range: SourceRange,
  budget: number,
  { first = budget, tolerance = 4 * budget }: { readonly first?: number; readonly tolerance?: number } = {},
): SourceRange[] {
  const inside = atoms.filter(({ begin, end }) => begin < range.end && end > range.begin);
  const whole = inside.filter(({ begin, end }) => end - begin <= tolerance);
  const places = seams.filter(({ offset }) => offset > range.begin && offset < range.end);
  const ranges: SourceRange[] = [];
  let begin = range.begin;
  let room = first;
  while (range.end - begin > room) {
    const end = cut(begin, begin + room);
    if (end >= range.end) break;
    ranges.push({ begin, end });
    begin = end;
    room = budget;
  }
  ranges.push({ begin, end: range.end });
  return ranges;

  /** Where a range that begins at `from` ends: at `limit` at the latest, or after an atom that must stay whole. */
  function cut(from: number, limit: number): number {
    const wanted = wish(from, limit);
    const atom = whole.find(({ begin, end }) => begin < wanted && wanted < end);
    if (atom === undefined) return wanted;
    const before = lineBegin(source, atom.begin);
    return before > from ? before : lineEnd(source, atom.end);
  }

  function wish(from: number, limit: number): number {
    const half = from + (limit - from) / 2;
    const seam = places
      .filter(({ offset }) => offset > half && offset <= limit)
      .reduce<(typeof places)[number] | undefined>(
        (best, place) => (best === undefined || place.depth <= best.depth ? place : best),
        undefined,
      );
    if (seam !== undefined) return seam.offset;
    const window = source.slice(from, limit);
    const after = (length: number): number | undefined => (length > window.length / 2 ? from + length : undefined);
    const line = window.lastIndexOf("\n") + 1;
    if (isInside(inside, from + line) && line > 0) return from + line;
    const found =
      after(window.lastIndexOf("\n\n") + 2) ?? after(lastMatch(window, /[.!?。！？]["')\]]*\s+/g)) ?? after(line);
    if (found !== undefined) return found;
    const word = lastMatch(window, /\s+/g);
    if (word > 0) return from + word;
    // A surrogate pair stays together.
    const high = (source.charCodeAt(limit - 1) & 0xfc00) === 0xd800;
    return high && limit - 1 > from ? limit - 1 : limit;
  }
}

function isInside(atoms: readonly MarkdownAtom[], offset: number): boolean {
  return atoms.some(({ begin, end }) => begin < offset && offset < end);
}

function lineBegin(source: string, offset: number): number {
  return source.lastIndexOf("\n", offset - 1) + 1;
}

function lineEnd(source: string, offset: number): number {
  const end = source.indexOf("\n", offset);
  return end < 0 ? source.length : end + 1;
}

/** Where the last match ends, 0 without one. */
function lastMatch(text: string, pattern: RegExp): number {
  let end = 0;
  for (const match of text.matchAll(pattern)) end = match.index + match[0].length;
  return end;
}
