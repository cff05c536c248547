/** Characters of a snippet, about. */
const size = 200;

/** A short extract of a text around the place where most of the words stand, in one line. */
export function snippet(text: string, words: readonly string[]): string {
  const line = text.replaceAll(/\s+/g, " ").trim();
  if (line.length <= size) return line;
  const lower = line.toLowerCase();
  const places = words.flatMap((word) => {
    // Endings differ where the index found another form of the word.
    const stem = word.length > 5 ? word.slice(0, -2) : word;
    const found: { at: number; word: string }[] = [];
    for (let at = lower.indexOf(stem); at >= 0; at = lower.indexOf(stem, at + 1)) found.push({ at, word });
    return found;
  });
  places.sort((a, b) => a.at - b.at);
  let best = { begin: 0, words: 0 };
  for (const [index, { at }] of places.entries()) {
    const near = new Set<string>();
    for (let next = index; next < places.length && places[next]!.at < at + size * 0.8; next++)
      near.add(places[next]!.word);
    if (near.size > best.words) best = { begin: at, words: near.size };
  }
  const begin = wordBegin(line, Math.min(Math.max(0, best.begin - size * 0.1), line.length - size));
  const end = begin + size + 20 >= line.length ? line.length : wordBegin(line, begin + size);
  return `${begin > 0 ? "…" : ""}${line.slice(begin, end).trim()}${end < line.length ? "…" : ""}`;
}

/** The begin of the word that holds a place. */
function wordBegin(line: string, place: number): number {
  if (place >= line.length) return line.length;
  const space = line.lastIndexOf(" ", place);
  // Text without spaces is cut where it is, but not inside a surrogate pair.
  if (place - space > 30) return place - ((line.charCodeAt(place) & 0xfc00) === 0xdc00 ? 1 : 0);
  return space + 1;
}
