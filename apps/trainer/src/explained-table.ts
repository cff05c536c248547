import { type ExplainedField, formatOrigin } from "@pipe/config";

/** Longer values would push the last column out of a terminal. */
const WIDEST = 48;

/** Fields, values and origins in three columns. */
export function explainedTable(fields: readonly ExplainedField[]): string {
  const rows = fields.map(({ path, value, from }) => [
    path,
    shortened(typeof value === "string" && value.trim() === value && value !== "" ? value : JSON.stringify(value)),
    from.source === "default" ? "default" : formatOrigin(from),
  ]);
  const [first, second] = [0, 1].map((column) => Math.max(...rows.map((row) => row[column]!.length)));
  return rows.map(([path, value, from]) => `${path!.padEnd(first!)}  ${value!.padEnd(second!)}  ${from}\n`).join("");
}

/** The end of a path says more than its beginning. */
function shortened(text: string): string {
  return text.length <= WIDEST ? text : `…${text.slice(1 - WIDEST)}`;
}
