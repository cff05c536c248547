/** Lays out rows of cells in columns; those after the first `left` columns are right-aligned. */
export function table(rows: readonly (readonly string[])[], left: number): string {
  const widths = rows[0]!.map((_, column) => Math.max(...rows.map((row) => row[column]!.length)));
  const cell = (text: string, column: number): string =>
    column < left ? text.padEnd(widths[column]!) : text.padStart(widths[column]!);
  return rows.map((row) => `${row.map(cell).join("  ").trimEnd()}\n`).join("");
}
