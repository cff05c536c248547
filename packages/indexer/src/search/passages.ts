import type { Retrieval } from "@pipe/core";
import type { StoredChunk } from "../store/chunk-table.ts";

const charactersPerToken = 4;

type Found = StoredChunk & { readonly score: number };

/**
 * Gathers passages for a prompt, best first, until the budget of tokens is full; then their neighbours, where there is
 * room left. Those that follow each other within a document become one passage. Each is preceded by its citation,
 * `path#heading:line`.
 *
 * @param neighbours what stands around the found passages, the nearest first.
 */
export function gather(found: readonly Found[], neighbours: readonly Found[], tokens: number): Retrieval {
  const budget = tokens * charactersPerToken;
  let used = 0;
  const chosen = new Map<number, Found>();
  for (const chunk of found) {
    const cost = chunk.text.length + citationOf(chunk).length + 4;
    if (used + cost > budget) continue;
    used += cost;
    chosen.set(chunk.chunk, chunk);
  }
  const [best] = found;
  // Rather the begin of the best passage than nothing.
  if (chosen.size === 0 && best !== undefined) chosen.set(best.chunk, { ...best, text: best.text.slice(0, budget) });
  for (const chunk of neighbours) {
    if (chosen.has(chunk.chunk) || used + chunk.text.length > budget) continue;
    // A neighbour of a passage that found no room would stand alone.
    if (!isBeside(chunk, chosen.values())) continue;
    used += chunk.text.length;
    chosen.set(chunk.chunk, chunk);
  }
  const passages = joinNeighbours([...chosen.values()]).map((chunk) => ({
    citation: citationOf(chunk),
    text: chunk.text.trimEnd(),
    score: chunk.score,
  }));
  return { text: passages.map(({ citation, text }) => `[${citation}]\n${text}`).join("\n\n"), passages };
}

function isBeside(chunk: Found, chosen: Iterable<Found>): boolean {
  for (const each of chosen) if (sameDocument(each, chunk) && Math.abs(each.place - chunk.place) === 1) return true;
  return false;
}

function sameDocument(a: StoredChunk, b: StoredChunk): boolean {
  return a.document === b.document && a.collection === b.collection;
}

/** The passages tile their document, so that neighbours join without a seam. */
function joinNeighbours(chunks: readonly Found[]): Found[] {
  const key = ({ collection, document }: Found): string => `${collection}\n${document}`;
  const inOrder = chunks.toSorted((a, b) => (sameDocument(a, b) ? a.place - b.place : key(a) < key(b) ? -1 : 1));
  const joined: (Found & { last: number })[] = [];
  for (const chunk of inOrder) {
    const previous = joined.at(-1);
    if (previous !== undefined && sameDocument(previous, chunk) && previous.last + 1 === chunk.place) {
      const score = Math.max(previous.score, chunk.score);
      joined[joined.length - 1] = { ...previous, text: previous.text + chunk.text, score, last: chunk.place };
    } else {
      joined.push({ ...chunk, last: chunk.place });
    }
  }
  return joined.sort((a, b) => b.score - a.score);
}

/** `guide/install.md#on-linux:12`; the anchor is GitHub's form of the innermost heading. */
function citationOf({ path, heading, line }: Pick<StoredChunk, "path" | "heading" | "line">): string {
  const last = heading.at(-1);
  const anchor = last
    ?.toLowerCase()
    .replaceAll(/[^\p{L}\p{N}\p{M}\s_-]/gu, "")
    .trim()
    .replaceAll(/\s/g, "-");
  return `${path}${anchor ? `#${anchor}` : ""}:${line}`;
}
