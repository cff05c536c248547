import type { Retrieval } from "@pipe/core";
import type { StoredChunk } from "./index-manager.ts";

const charactersPerToken = 4;

type Found = StoredChunk & { readonly score: number };

/**
 * Gathers passages for a prompt, best first, until the budget of tokens is full; neighbours within a document become one
 * passage. Each is preceded by its citation, `path#heading:line`.
 */
export function gather(found: readonly Found[], tokens: number): Retrieval {
  const budget = tokens * charactersPerToken;
  let used = 0;
  const chosen: Found[] = [];
  for (const chunk of found) {
    const cost = chunk.text.length + citationOf(chunk).length + 4;
    if (used + cost > budget) continue;
    used += cost;
    chosen.push(chunk);
  }
  const [best] = found;
  // Rather the begin of the best passage than nothing.
  if (chosen.length === 0 && best !== undefined) chosen.push({ ...best, text: best.text.slice(0, budget) });
  const passages = joinNeighbours(chosen).map((chunk) => ({
    citation: citationOf(chunk),
    text: chunk.text.trimEnd(),
    score: chunk.score,
  }));
  return { text: passages.map(({ citation, text }) => `[${citation}]\n${text}`).join("\n\n"), passages };
}

/** The passages tile their document, so that neighbours join without a seam. */
function joinNeighbours(chunks: readonly Found[]): Found[] {
  const inOrder = chunks.toSorted((a, b) =>
    a.document === b.document ? a.place - b.place : a.document < b.document ? -1 : 1,
  );
  const joined: (Found & { last: number })[] = [];
  for (const chunk of inOrder) {
    const previous = joined.at(-1);
    if (previous?.document === chunk.document && previous.last + 1 === chunk.place) {
      const score = Math.max(previous.score, chunk.score);
      joined[joined.length - 1] = { ...previous, text: previous.text + chunk.text, score, last: chunk.place };
    } else {
      joined.push({ ...chunk, last: chunk.place });
    }
  }
  return joined.sort((a, b) => b.score - a.score);
}

/** `guide/install.md#on-linux:12`; the anchor is GitHub's form of the innermost heading. */
function citationOf({ path, heading, line }: StoredChunk): string {
  const last = heading.at(-1);
  const anchor = last
    ?.toLowerCase()
    .replaceAll(/[^\p{L}\p{N}\p{M}\s_-]/gu, "")
    .trim()
    .replaceAll(/\s/g, "-");
  return `${path}${anchor ? `#${anchor}` : ""}:${line}`;
}
