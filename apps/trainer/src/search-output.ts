import type { SearchExplanation, SearchHit } from "@pipe/core";

/** Hits as text: where, how good, and an extract, in colours with the words of the query set off. */
export function formatHits(hits: readonly SearchHit[], { color = false }: { readonly color?: boolean } = {}): string {
  if (hits.length === 0) return "nothing found\n";
  return hits.map((hit, i) => formatHit(hit, i + 1, color)).join("");
}

function formatHit(hit: SearchHit, rank: number, color: boolean): string {
  const { path, heading, line, score, same, stale, explain } = hit;
  const [strong, end] = color ? [BOLD, USUAL] : ["", ""];
  const place = [`${strong}${path}:${line}${end}`, ...(heading.length === 0 ? [] : [heading.join(" › ")])].join("  ");
  const lines = [
    `${rank}. ${place}  (${formatScore(score)})`,
    `   ${extractOf(hit, color)}`,
    ...(same === undefined ? [] : [`   also in ${formatPlaces(same)}`]),
    ...(stale?.changed === true ? ["   its file has changed since"] : []),
    ...(stale?.step === undefined ? [] : [`   found by the model of step ${stale.step}`]),
    ...(explain === undefined ? [] : [`   ${formatExplanation(explain)}`]),
  ];
  return `${lines.join("\n")}\n`;
}

/** Places of an equal passage that are named, at most: some stand on every page. */
const MOST_PLACES = 5;

function formatPlaces(places: NonNullable<SearchHit["same"]>): string {
  const names = [...new Set(places.map(({ path, line }) => `${path}:${line}`))];
  const rest = names.length - MOST_PLACES;
  return names.slice(0, MOST_PLACES).join(", ") + (rest > 0 ? ` and ${rest} more` : "");
}

const [BOLD, USUAL] = ["\u001b[1m", "\u001b[22m"];

/** The snippet in one line, without the heading that stands above it already. */
function extractOf({ snippet, heading, highlights }: SearchHit, color: boolean): string {
  const head = /^#{1,6} (?=(.*))/.exec(snippet);
  const above = heading.at(-1);
  let end =
    above !== undefined && head !== null && head[1]!.startsWith(`${above} `) ? head[0].length + above.length : 0;
  let text = "";
  for (const [from, to] of color ? highlights : []) {
    if (from < end) continue;
    text += `${snippet.slice(end, from)}${BOLD}${snippet.slice(from, to)}${USUAL}`;
    end = to;
  }
  return (text + snippet.slice(end)).trim().replace(/\s+/g, " ");
}

/** Two digits, however small: BM25 of a few documents lies far below one. */
function formatScore(score: number): string {
  return score === 0 || Math.abs(score) >= 0.005 ? score.toFixed(2) : score.toPrecision(2);
}

function formatExplanation({ lexical, vector, fusion, rerank }: SearchExplanation): string {
  const words = Object.entries(lexical?.words ?? {}).map(([word, part]) => `${word} ${formatScore(part)}`);
  const each = words.length === 0 ? "" : ` (${words.join(", ")})`;
  return [
    ...(lexical === undefined ? [] : [`words ${formatScore(lexical.score)}${each}`]),
    ...(vector === undefined ? [] : [`meaning ${formatScore(vector.score)}`]),
    ...(fusion === undefined ? [] : [`${fusion.kind}, share of meaning ${fusion.weight}`]),
    ...(rerank === undefined ? [] : [`${rerank.model} ${formatScore(rerank.score)}`]),
  ].join(" · ");
}
