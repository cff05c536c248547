import type { SearchHit } from "@pipe/core";

/** Hits as text: where, how good, and an extract. */
export function formatHits(hits: readonly SearchHit[]): string {
  if (hits.length === 0) return "nothing found\n";
  return hits
    .map(({ path, heading, line, score, snippet }, i) => {
      const place = [`${path}:${line}`, ...(heading.length === 0 ? [] : [heading.join(" › ")])].join("  ");
      const extract = snippet.trim().replace(/\s+/g, " ");
      return `${i + 1}. ${place}  (${score.toFixed(2)})\n   ${extract}\n`;
    })
    .join("");
}
