import type { Retrieval } from "@pipe/core";
import type { StoredChunk } from "../store/chunk-table.ts";

const charactersPerToken = 4;

type Found = StoredChunk & { readonly score: number };

/**
 * Gathers passages for a prompt, best first, until the budget of tokens, citations included, is full; then their
 * neighbours, where there is room left. Those that follow each other within a document become one passage. Each is preceded by its citation,
 * `path#heading:line`.
 *
 * @param neighbours what stands around the found passages, the nearest first.
 */
export function gather(found: readonly Found[], neighbours: readonly Found[], tokens: number): Retrieval {
  const budget = tokens * charactersPerToken;
  let used = 0;
  const chosen = new Map<number, Found>();
  const choose = (chunk: Found): void => {
    const cost = chunk.text.length + frameOf(chunk);
    if (used + cost > budget) return;
    used += cost;
    chosen.set(chunk.chunk, chunk);
  };
  for (const chunk of found) choose(chunk);
  const [best] = found;
  if (chosen.size === 0 && best !== undefined) {
    // Rather the begin of the best passage than nothing; what stands behind it does not go on with that.
    const text = best.text.slice(0, Math.max(charactersPerToken, budget - frameOf(best)));
    chosen.set(best.chunk, { ...best, text: text.replace(/[\ud800-\udbff]$/, "") });
  } else {
    // A neighbour of a passage that found no room would stand alone.
    for (const chunk of neighbours) if (!chosen.has(chunk.chunk) && isBeside(chunk, chosen.values())) choose(chunk);
  }
  const passages = joinNeighbours([...chosen.values()]).map((chunk) => ({
    citation: citationOf(chunk),
    text: chunk.text.trimEnd(),
    score: chunk.score,
  }));
  return { text: passages.map(({ citation, text }) => `[${citation}]\n${text}`).join("\n\n"), passages };
}

/** Characters around the text of a passage: its citation, in brackets and a line of its own, and an empty line. */
function frameOf(chunk: Found): number {
  return citationOf(chunk).length + 5;
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
