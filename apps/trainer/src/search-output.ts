import type { SearchExplanation, SearchHit } from "@pipe/core";

/** Hits as text: where, how good, and an extract. */
export function formatHits(hits: readonly SearchHit[]): string {
  if (hits.length === 0) return "nothing found\n";
  return hits.map((hit, i) => formatHit(hit, i + 1)).join("");
}

function formatHit({ path, heading, line, score, snippet, same, stale, explain }: SearchHit, rank: number): string {
  const place = [`${path}:${line}`, ...(heading.length === 0 ? [] : [heading.join(" › ")])].join("  ");
  const lines = [
    `${rank}. ${place}  (${formatScore(score)})`,
    `   ${snippet.trim().replace(/\s+/g, " ")}`,
    ...(same === undefined ? [] : [`   also in ${same.map((each) => `${each.path}:${each.line}`).join(", ")}`]),
    ...(stale?.changed === true ? ["   its file has changed since"] : []),
    ...(stale?.step === undefined ? [] : [`   found by the model of step ${stale.step}`]),
    ...(explain === undefined ? [] : [`   ${formatExplanation(explain)}`]),
  ];
  return `${lines.join("\n")}\n`;
}

/** Two digits, however small: BM25 of a few documents lies far below one. */
function formatScore(score: number): string {
  return score === 0 || Math.abs(score) >= 0.005 ? score.toFixed(2) : score.toPrecision(2);
}

function formatExplanation({ lexical, vector, fusion, rerank }: SearchExplanation): string {
  const words = Object.entries(lexical?.words ?? {}).map(([word, part]) => `${word} ${formatScore(part)}`);
  return [
    ...(lexical === undefined ? [] : [`words ${formatScore(lexical.score)} (${words.join(", ")})`]),
    ...(vector === undefined ? [] : [`meaning ${formatScore(vector.score)}`]),
    ...(fusion === undefined ? [] : [`${fusion.kind}, share of meaning ${fusion.weight}`]),
    ...(rerank === undefined ? [] : [`${rerank.model} ${formatScore(rerank.score)}`]),
  ].join(" · ");
}
